import { sql, type Sql } from '@favo/postgres'

/** A timestamp as ISO 8601 in UTC with all its digits, which a JavaScript Date would cut to milliseconds. */
export const isoTime = (column: string): Sql =>
  sql`to_char(${sql.ident(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
