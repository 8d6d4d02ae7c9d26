import { body, flag, object, optionalText, text } from '../parse-body.ts'
import { authErrors } from '../errors.ts'

/** What the service key may say of a user: everything, other than at sign-up. */
export const adminUserBody = body('AdminUserParams', {
  id: text(),
  aud: text(),
  role: text(),
  email: text(),
  phone: text(),
  password: optionalText(),
  password_hash: text(),
  email_confirm: flag(),
  phone_confirm: flag(),
  user_metadata: object(),
  app_metadata: object(),
  ban_duration: text(),
})

export interface AdminUserInput {
  readonly id: string
  readonly aud: string
  readonly role: string
  readonly email: string
  readonly phone: string
  readonly password: string | null
  readonly password_hash: string
  readonly email_confirm: boolean
  readonly phone_confirm: boolean
  readonly user_metadata: Readonly<Record<string, unknown>> | null
  readonly app_metadata: Readonly<Record<string, unknown>> | null
  readonly ban_duration: string
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
}

/** Go's durations (`24h`, `1h30m`), in seconds; `none` is 0. Null when not given. Throws validation_failed. */
export function parseBanDuration(given: string): number | null {
  if (given === '') return null
  if (given === 'none' || given === '0') return 0
  const parts = [...given.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  const isWhole = parts.map(([part]) => part).join('') === given.replace(/^[+-]/, '')
  if (!isWhole || parts.length === 0)
    throw authErrors.validationFailed(
      `invalid format for ban duration: time: invalid duration ${JSON.stringify(given)}`,
    )
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  )
  return given.startsWith('-') ? -seconds : seconds
}
