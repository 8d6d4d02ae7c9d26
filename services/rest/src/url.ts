/** A name or value of a query string: everything encoded but letters, digits and `-_.~`. */
export function encodeUrlPart(text: string): string {
  const encoded = encodeURIComponent(text)
  return LEFT_OVER.test(encoded) ? encoded.replace(/[!'()*]/g, hex) : encoded
}

const LEFT_OVER = /[!'()*]/
const hex = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`
