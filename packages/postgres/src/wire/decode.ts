import { DatabaseError, type Field } from '../types.ts'

/** The zero-terminated string at `start`. */
export function readCString(chunk: Buffer, start: number): string {
  return chunk.toString('utf8', start, chunk.indexOf(0, start))
}

/** A DataRow's cells: views of the chunk, null for SQL null. */
export function readRow(chunk: Buffer, start: number): (Buffer | null)[] {
  const count = chunk.readUInt16BE(start)
  const row = new Array<Buffer | null>(count)
  let offset = start + 2
  for (let i = 0; i < count; i++) {
    const length = chunk.readInt32BE(offset)
    offset += 4
    if (length < 0) row[i] = null
    else {
      row[i] = chunk.subarray(offset, offset + length)
      offset += length
    }
  }
  return row
}

/** A RowDescription's columns. */
export function readFields(chunk: Buffer, start: number): Field[] {
  const count = chunk.readUInt16BE(start)
  const fields: Field[] = []
  let offset = start + 2
  for (let i = 0; i < count; i++) {
    const nameEnd = chunk.indexOf(0, offset)
    // After the name: table OID, column number, type OID, type length, type modifier, format: 18 bytes.
    fields.push({ name: chunk.toString('utf8', offset, nameEnd), typeOid: chunk.readUInt32BE(nameEnd + 7) })
    offset = nameEnd + 19
  }
  return fields
}

/** An ErrorResponse or NoticeResponse. Its severity is the untranslated one. */
export function readError(chunk: Buffer, start: number, step: number | null): DatabaseError {
  const fields = new Map<string, string>()
  let offset = start
  while (offset < chunk.length && chunk[offset] !== 0) {
    const end = chunk.indexOf(0, offset + 1)
    fields.set(String.fromCharCode(chunk[offset] ?? 0), chunk.toString('utf8', offset + 1, end))
    offset = end + 1
  }
  const position = fields.get('P')
  return new DatabaseError({
    message: fields.get('M') ?? 'the database reported an error without a message',
    code: fields.get('C') ?? 'XX000',
    severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
    detail: fields.get('D') ?? null,
    hint: fields.get('H') ?? null,
    schema: fields.get('s') ?? null,
    table: fields.get('t') ?? null,
    column: fields.get('c') ?? null,
    constraint: fields.get('n') ?? null,
    where: fields.get('W') ?? null,
    position: position === undefined ? null : Number(position),
    step,
  })
}

export const isFatal = (error: DatabaseError): boolean =>
  error.severity === 'FATAL' || error.severity === 'PANIC'
