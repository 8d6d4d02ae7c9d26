import { authErrors } from '../errors.ts'
import type { EffectiveSettings } from '../settings.ts'
import { clientNetwork } from './client-network.ts'
import { createMessageCounts } from './message-counts.ts'
import { requestRate, type LimitName } from './request-rates.ts'
import { createTokenBuckets, type BucketRate } from './token-buckets.ts'

/** Wrong passwords for an account from one network: then one every half minute. */
const WRONG_HERE: BucketRate = { capacity: 10, perSecond: 1 / 30 }
/** From everywhere: more than one who forgot his own needs, and far too few to find it. */
const WRONG_ANYWHERE: BucketRate = { capacity: 100, perSecond: 1 / 10 }

/** The limits of one request. Each throws a 429 of GoTrue's that says when to come again. */
export interface RateLimits {
  /** Of the client's address. */
  take(name: LimitName): void
  /** One more message of the project to a phone. */
  takeSms(): void
  /** One more mail of the project that leaves. */
  takeMail(): void
  /** Before a password is compared. The address need not have an account: else the limit would tell. */
  checkPasswordAttempts(address: string): void
  missPassword(address: string): void
  /** Who knew the password is no guesser. */
  forgivePasswords(address: string): void
}

export interface LimitedRequest {
  readonly ref: string
  readonly settings: EffectiveSettings
  readonly clientIp: string | null
}

/** Counts in this process, of all projects; another process counts by itself. */
export function createRateLimiter(): (request: LimitedRequest) => RateLimits {
  const buckets = createTokenBuckets()
  const messages = createMessageCounts()
  return ({ ref, settings, clientIp }) => {
    const attemptKeys = (address: string): [string, BucketRate][] => [
      [`${ref} password ${clientNetwork(clientIp) ?? 'here'} ${address}`, WRONG_HERE],
      [`${ref} password ${address}`, WRONG_ANYWHERE],
    ]
    return {
      take: (name) => {
        const network = clientNetwork(clientIp)
        if (network === null) return
        const wait = buckets.take(`${ref} ${name} ${network}`, requestRate(settings, name))
        if (wait !== null) throw authErrors.overRequestRate(wait)
      },
      takeSms: () => {
        const wait = messages.take(`${ref} sms`, settings.rateLimitSmsSent)
        if (wait !== null) throw authErrors.overSmsRate(wait)
      },
      takeMail: () => {
        const wait = messages.take(`${ref} mail`, settings.rateLimitEmailSent)
        if (wait !== null) throw authErrors.overEmailRate(wait)
      },
      checkPasswordAttempts: (address) => {
        for (const [key, rate] of attemptKeys(address)) {
          const wait = buckets.peek(key, rate)
          if (wait !== null) throw authErrors.overRequestRate(wait)
        }
      },
      missPassword: (address) => {
        for (const [key, rate] of attemptKeys(address)) buckets.owe(key, rate)
      },
      forgivePasswords: (address) => {
        for (const [key] of attemptKeys(address).slice(0, 1)) buckets.forget(key)
      },
    }
  }
}
