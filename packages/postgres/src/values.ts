import type { SqlValue } from './sql.ts'

/** A value as Postgres takes it: text, or bytes in binary format. */
export function encodeValue(value: SqlValue | undefined): string | Buffer | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) return value
  if (value instanceof Date) return encodeDate(value)
  if (Array.isArray(value)) return encodeArray(value as readonly SqlValue[])
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

function encodeDate(date: Date): string {
  if (Number.isNaN(date.getTime())) throw new TypeError('an invalid date cannot be sent to Postgres')
  const year = date.getUTCFullYear()
  if (year >= 1 && year <= 9999) return date.toISOString()
  const rest = date.toISOString().replace(/^[+-]?\d+/, '')
  return year > 0 ? `${year}${rest}` : `${String(1 - year).padStart(4, '0')}${rest} BC`
}

/** An array literal; objects inside become JSON text, as in a `jsonb[]`. */
function encodeArray(values: readonly SqlValue[]): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return encodeArray(value as readonly SqlValue[])
    const encoded = encodeValue(value)
    const text = Buffer.isBuffer(encoded) ? `\\x${encoded.toString('hex')}` : String(encoded)
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${items.join(',')}}`
}
