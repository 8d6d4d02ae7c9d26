/** A setting whose value cannot be used. The message goes behind the setting's name. */
export class ValueError extends Error {}

export type SettingValue = boolean | number | string
/** What a value of config.toml is in the Management API. */
export type ReadValue = (value: unknown) => SettingValue

export const text: ReadValue = (value) => {
  if (typeof value !== 'string') throw new ValueError('must be a text')
  return value
}

export const flag: ReadValue = (value) => {
  if (typeof value !== 'boolean') throw new ValueError('must be true or false')
  return value
}

export const not: ReadValue = (value) => flag(value) === false

export const count: ReadValue = (value) => {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw new ValueError('must be a whole number')
  return number
}

export const list: ReadValue = (value) => {
  if (!Array.isArray(value) || !value.every((part) => typeof part === 'string'))
    throw new ValueError('must be a list of texts')
  return value.join(',')
}

const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600 }

/** Go's durations: `1h30m`, `5s`. */
export const seconds: ReadValue = (value) => {
  if (typeof value === 'string' && /^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value))
    return [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
      (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ''] ?? 0),
      0,
    )
  throw new ValueError('must be a duration such as "5s" or "1h30m"')
}

export const wholeSeconds: ReadValue = (value) => Math.round(Number(seconds(value)))
export const hours: ReadValue = (value) => Number(seconds(value)) / 3_600

const lower = 'abcdefghijklmnopqrstuvwxyz'
const upper = lower.toUpperCase()
const digits = '0123456789'
const requirements: Readonly<Record<string, string>> = {
  '': '',
  letters_digits: `${lower}${upper}:${digits}`,
  lower_upper_letters_digits: `${lower}:${upper}:${digits}`,
  lower_upper_letters_digits_symbols: `${lower}:${upper}:${digits}:!@#$%^&*()_+-=[]{};'\\\\:"|<>?,./\`~`,
}

/** By the names of config.toml; the API has the characters themselves, sets of them with `:` between. */
export const passwordRequirements: ReadValue = (value) => {
  const found =
    typeof value === 'string' && Object.hasOwn(requirements, value) ? requirements[value] : undefined
  if (found === undefined)
    throw new ValueError(
      `must be one of ${Object.keys(requirements)
        .map((name) => `"${name}"`)
        .join(', ')}`,
    )
  return found
}

/** Numbers and their codes: `15551234567=123456`. */
export const testOtps: ReadValue = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ValueError('must be a table of numbers and codes')
  return Object.entries(value)
    .map(([phone, code]) => `${phone}=${String(text(code))}`)
    .join(',')
}
