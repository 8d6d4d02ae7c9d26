/** Headers that a function in the database puts into the answer. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Where an answer ends, and what becomes of its connection, is not the database's to say: a proxy in front shares connections
 * among projects, and would take what is left of one answer for the next one, of another project.
 */
const FRAMING = new Set([
  ...['connection', 'content-length', 'keep-alive', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
])

/** Those that are sent; null where a name is none. */
export function sendable(headers: readonly (readonly [string, string])[]): [string, string][] | null {
  if (!headers.every(([name]) => HEADER_NAME.test(name))) return null
  return headers.filter(([name]) => !FRAMING.has(name.toLowerCase())).map(([name, value]) => [name, value])
}
