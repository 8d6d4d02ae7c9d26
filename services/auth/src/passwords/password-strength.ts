import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'

/** More than bcrypt looks at. Bytes, as GoTrue counts. */
const BYTES_MAX = 72

/** Throws validation_failed or weak_password. Mirrors auth internal/api/password.go@bc32168. */
export async function checkPasswordStrength(ctx: AuthContext, password: string): Promise<void> {
  const problem = await findWeakness(ctx, password)
  if (problem !== null) throw authErrors.weakPassword(problem.message, problem.reasons)
}

export interface Weakness {
  readonly message: string
  readonly reasons: readonly string[]
}

/** Null when the password is good enough. Throws when it is too long to be hashed at all. */
export async function findWeakness(ctx: AuthContext, password: string): Promise<Weakness | null> {
  const { settings } = ctx
  const bytes = Buffer.byteLength(password)
  if (bytes > BYTES_MAX)
    throw authErrors.validationFailed(`Password cannot be longer than ${BYTES_MAX} characters`)
  const problems: { readonly reason: string; readonly message: string }[] = []
  if (bytes < settings.passwordMinLength)
    problems.push({
      reason: 'length',
      message: `Password should be at least ${settings.passwordMinLength} characters.`,
    })
  const sets = parseCharacterSets(settings.passwordRequiredCharacters)
  if (sets.some((set) => ![...set].some((character) => password.includes(character))))
    problems.push({
      reason: 'characters',
      message: `Password should contain at least one character of each: ${sets.join(', ')}.`,
    })
  if (settings.passwordHibpEnabled && (await isLeaked(ctx, password)))
    problems.push({
      reason: 'pwned',
      message: 'Password is known to be weak and easy to guess, please choose a different one.',
    })
  if (problems.length === 0) return null
  return {
    message: problems.map(({ message }) => message).join(' '),
    reasons: problems.map(({ reason }) => reason),
  }
}

/** When nobody can say, the password counts as unknown: else sign-ups would stop with that service. */
async function isLeaked(ctx: AuthContext, password: string): Promise<boolean> {
  try {
    return await ctx.leakedPasswords.isLeaked(password)
  } catch (error) {
    ctx.log.warn({ error }, 'leaked passwords could not be looked up')
    return false
  }
}

/** Sets of characters with `:` between them; `\:` is a colon that belongs to a set. */
const parseCharacterSets = (text: string): string[] =>
  text
    .split(/(?<!\\):/)
    .map((set) => set.replaceAll('\\:', ':'))
    .filter((set) => set !== '')
