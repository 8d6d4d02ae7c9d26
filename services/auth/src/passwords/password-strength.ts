import type { AuthSettings } from '@favo/projects'
import { authErrors } from '../errors.ts'

/** More than bcrypt looks at. Bytes, as GoTrue counts. */
const BYTES_MAX = 72

/** Throws validation_failed or weak_password. Mirrors auth internal/api/password.go@bc32168. */
export function checkPasswordStrength(settings: AuthSettings, password: string): void {
  const problem = findWeakness(settings, password)
  if (problem !== null) throw authErrors.weakPassword(problem.message, problem.reasons)
}

export interface Weakness {
  readonly message: string
  readonly reasons: readonly string[]
}

/** Null when the password is good enough. Throws when it is too long to be hashed at all. */
export function findWeakness(settings: AuthSettings, password: string): Weakness | null {
  const bytes = Buffer.byteLength(password)
  if (bytes > BYTES_MAX)
    throw authErrors.validationFailed(`Password cannot be longer than ${BYTES_MAX} characters`)
  if (bytes >= settings.passwordMinLength) return null
  return {
    message: `Password should be at least ${settings.passwordMinLength} characters.`,
    reasons: ['length'],
  }
}
