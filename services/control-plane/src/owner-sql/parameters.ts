/** A parameter as Postgres' text: arrays as array literals, as node-postgres has it; objects as JSON. */
export function encodeParameter(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return encodeArray(value)
  if (typeof value === 'object') return JSON.stringify(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `{"a","b"}`; null elements as NULL, nested arrays as such. */
export function encodeArray(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return encodeArray(value)
    const text = encodeParameter(value)
    return text === null ? 'NULL' : `"${text.replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${elements.join(',')}}`
}
