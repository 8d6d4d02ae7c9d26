import { encodeUrlPart } from '../url.ts'

/** A query string taken apart, before anything in it has a meaning. */
export type Pair = readonly [name: string, value: string | null]

const percent = /%[0-9a-fA-F]{2}/

/** As HTTP forms are read: plus is a space, broken UTF-8 becomes replacement characters. */
function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!percent.test(spaced)) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    const bytes = Buffer.from(spaced, 'utf8').toString('latin1')
    return Buffer.from(
      bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      'latin1',
    ).toString('utf8')
  }
}

/** Names and values in the order given; null for a name without an equals sign. */
export function decodePairs(raw: string): Pair[] {
  if (raw === '') return []
  return raw
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const equals = piece.indexOf('=')
      if (equals < 0) return [decode(piece), null] as const
      return [decode(piece.slice(0, equals)), decode(piece.slice(equals + 1))] as const
    })
}

/** Sorted by name and encoded anew. */
export function canonicalOf(pairs: readonly Pair[]): string {
  return [...pairs]
    .sort(byName)
    .map(([name, value]) => `${encodeUrlPart(name)}=${encodeUrlPart(value ?? '')}`)
    .join('&')
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : a > b ? 1 : 0
