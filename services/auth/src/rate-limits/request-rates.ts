import type { EffectiveSettings } from '../settings.ts'
import type { BucketRate } from './token-buckets.ts'

/** What requests of one client address are limited by, each by itself. */
export type LimitName =
  | 'anonymous'
  | 'client_registration'
  | 'factor_challenge'
  | 'factor_verify'
  | 'magic_link'
  | 'otp'
  | 'passkey'
  | 'recover'
  | 'resend'
  | 'saml_assertion'
  | 'signup'
  | 'sso'
  | 'token'
  | 'user'
  | 'verify'
  | 'web3'

const BURST = 30
const inFiveMinutes = (events: number): BucketRate => ({ capacity: BURST, perSecond: events / 300 })

/** Mirrors auth internal/api/apilimiter/apilimiter.go@bc32168; what no setting names has the default there. */
export function requestRate(settings: EffectiveSettings, name: LimitName): BucketRate {
  switch (name) {
    case 'anonymous': {
      const perHour = settings.rateLimitAnonymousUsers
      return { capacity: perHour, perSecond: perHour / 3_600 }
    }
    case 'factor_challenge':
    case 'factor_verify':
      return { capacity: BURST, perSecond: 15 / 60 }
    case 'client_registration':
      return inFiveMinutes(10)
    case 'saml_assertion':
      return inFiveMinutes(15)
    case 'passkey':
    case 'sso':
      return inFiveMinutes(30)
    case 'token':
      return inFiveMinutes(settings.rateLimitTokenRefresh)
    case 'verify':
      return inFiveMinutes(settings.rateLimitVerify)
    case 'web3':
      return inFiveMinutes(settings.rateLimitWeb3)
    default:
      return inFiveMinutes(settings.rateLimitOtp)
  }
}
