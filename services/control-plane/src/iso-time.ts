import { sql, type Sql } from '@favo/postgres'

/** A timestamp as ISO 8601 in UTC with all its digits, which a JavaScript Date would cut to milliseconds. `isoTime('created_at')` or, of a table, `isoTime('m', 'created_at')`. */
export const isoTime = (...column: [string] | [string, string]): Sql =>
  sql`to_char(${sql.ident(...column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
