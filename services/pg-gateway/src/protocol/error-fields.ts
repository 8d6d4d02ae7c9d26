import { message } from './messages.ts'

/** The fields of an ErrorResponse, by their letters, in their order. */
export function readErrorFields(body: Buffer): Map<string, string> {
  const fields = new Map<string, string>()
  let offset = 0
  while (offset < body.length && body[offset] !== 0) {
    const end = body.indexOf(0, offset + 1)
    if (end < 0) break
    fields.set(String.fromCharCode(body[offset] ?? 0), body.toString('utf8', offset + 1, end))
    offset = end + 1
  }
  return fields
}

export const writeErrorFields = (fields: ReadonlyMap<string, string>): Buffer =>
  message('E', [...fields].map(([type, value]) => `${type}${value}\0`).join(''), '\0')
