/** A Postgres array literal of text elements: `{"a","b, c"}`. A lone empty element means the empty list (`in.()`). */
export function arrayLiteral(elements: readonly string[]): string {
  if (elements.length === 1 && elements[0] === '') return '{}'
  const quoted = elements.map((e) => `"${withoutZero(e).replace(/[\\"]/g, '\\$&')}"`)
  return `{${quoted.join(',')}}`
}

/** As `arrayLiteral`, for arguments of a variadic function, where an empty element stays one. */
export const variadicLiteral = (elements: readonly string[]): string =>
  elements.length === 1 && elements[0] === '' ? '{""}' : arrayLiteral(elements)

/** Postgres' text cannot hold U+0000; it is left out, as PostgREST does. */
export const withoutZero = (text: string): string => text.replaceAll('\0', '')
