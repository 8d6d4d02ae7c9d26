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

const usual = [...steps, look].join(';')
const withStatements = [...steps, 'DEALLOCATE ALL', look].join(';')

/** One text, and so one transaction: all of it or an error. */
export const cleaningQuery = (withPreparedStatements: boolean): string =>
  withPreparedStatements ? withStatements : usual

/** From the last row of the cleaning. */
export function readPreparedCounts(row: string): { bySql: number; byProtocol: number } {
  const [, bySql = 'NaN', byProtocol = 'NaN'] = /(\d+) (\d+)$/.exec(row) ?? []
  return { bySql: Number(bySql), byProtocol: Number(byProtocol) }
}
