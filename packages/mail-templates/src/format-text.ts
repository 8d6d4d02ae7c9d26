import { textOf } from './values.ts'

const WIDTH_MAX = 1_000

const verb = /%(?<flags>[-+# 0]*)(?<width>\d{0,6})(?:\.(?<precision>\d{0,3}))?(?<verb>[a-zA-Z%])/g

/** Go's `printf`: the verbs that make sense for texts, numbers and truths. */
export function formatText(format: string, values: readonly unknown[]): string {
  let next = 0
  const text = format.replace(verb, (...match) => {
    const {
      flags = '',
      width = '',
      precision,
      verb: letter = '',
    } = match.at(-1) as Record<string, string | undefined>
    if (letter === '%') return '%'
    if (next >= values.length) return `%!${letter}(MISSING)`
    const value = values[next]
    next += 1
    const shown = show(letter, value, precision === undefined ? null : Number(precision), flags)
    return pad(shown, Math.min(Number(width), WIDTH_MAX), flags)
  })
  return next < values.length ? `${text}%!(EXTRA)` : text
}

function show(letter: string, value: unknown, precision: number | null, flags: string): string {
  const number = typeof value === 'number' ? value : null
  const signed = (text: string) => (flags.includes('+') && number !== null && number >= 0 ? `+${text}` : text)
  const digits = Math.min(precision ?? 6, 100)
  switch (letter) {
    case 's':
    case 'v':
      return precision === null ? textOf(value) : textOf(value).slice(0, precision)
    case 'q':
      return JSON.stringify(textOf(value))
    case 't':
      return String(value === true)
    case 'd':
      return number === null ? wrong(letter, value) : signed(String(Math.trunc(number)))
    case 'f':
    case 'F':
      return number === null ? wrong(letter, value) : signed(number.toFixed(digits))
    case 'e':
      return number === null ? wrong(letter, value) : signed(number.toExponential(digits))
    case 'g':
      return number === null ? wrong(letter, value) : signed(String(number))
    case 'x':
    case 'X': {
      const hex =
        number === null ? Buffer.from(textOf(value)).toString('hex') : Math.trunc(number).toString(16)
      return letter === 'X' ? hex.toUpperCase() : hex
    }
    case 'c':
      return number !== null && number >= 0 && number <= 0x10ffff
        ? String.fromCodePoint(Math.trunc(number))
        : ''
    default:
      return wrong(letter, value)
  }
}

const wrong = (letter: string, value: unknown) => `%!${letter}(${textOf(value)})`

function pad(text: string, width: number, flags: string): string {
  if (flags.includes('-')) return text.padEnd(width)
  return text.padStart(width, flags.includes('0') && /^[+-]?\d/.test(text) ? '0' : ' ')
}
