import { backend as types, message } from '../protocol/messages.ts'

/**
 * All that a client can leave on a session, as DISCARD ALL takes it away (PostgreSQL 18, commands/discard.c), except the
 * statements that are prepared under names of the gateway's: those stay, which DISCARD ALL does not allow. The role is not
 * part of RESET ALL. What RESET ALL returns to is what the client asked for when it connected.
 */
const steps = [
  'CLOSE ALL',
  'RESET SESSION AUTHORIZATION',
  'RESET ALL',
  'RESET ROLE',
  'UNLISTEN *',
  'DISCARD TEMP',
  'DISCARD SEQUENCES',
]
const look = 'SELECT pg_catalog.pg_advisory_unlock_all(), pg_favo.count_prepared()'

const texts = {
  usual: message('Q', [...steps, look].join(';'), '\0'),
  withStatements: message('Q', [...steps, 'DEALLOCATE ALL', look].join(';'), '\0'),
}

/** One text, and so one transaction: all of it or an error. */
export const cleaningMessage = (withPreparedStatements: boolean): Buffer =>
  withPreparedStatements ? texts.withStatements : texts.usual

export const deallocateAll = message('Q', 'DEALLOCATE ALL', '\0')

export interface PreparedCounts {
  readonly bySql: number
  readonly byProtocol: number
}

/** From the last row of the cleaning. */
export function readPreparedCounts(row: string): PreparedCounts {
  const [, bySql = 'NaN', byProtocol = 'NaN'] = /(\d+) (\d+)$/.exec(row) ?? []
  return { bySql: Number(bySql), byProtocol: Number(byProtocol) }
}

/**
 * The last row of a whole answer without errors that ends with the chunk, as it nearly always comes; null for any other, of
 * which each message has to be looked at.
 */
export function findLastRow(chunk: Buffer): string | null {
  let row: string | null = null
  let offset = 0
  while (offset + headBytes <= chunk.length) {
    const type = chunk[offset]
    const end = offset + 1 + chunk.readInt32BE(offset + 1)
    if (type === types.errorResponse || end <= offset || end > chunk.length) return null
    if (type === types.dataRow) row = chunk.toString('latin1', offset, end)
    if (type === types.readyForQuery) return end === chunk.length ? row : null
    offset = end
  }
  return null
}

const headBytes = 5
