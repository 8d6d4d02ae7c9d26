/**
 * What the server sends for a read by the anonymous role, statement for statement (packages/postgres/src/wire/cleaning.ts,
 * services/rest/src/execute/context.ts): cleaning, the settings of the request, the statement. To run the same with pgbench.
 */
const setting = (name: string, value: string): string =>
  `pg_catalog.set_config('${name}', '${value.replaceAll("'", "''")}', true)`

export function restStatements(path: string, host: string, apiKey: string, main: string): string[] {
  return [
    'RESET ALL',
    'CLOSE ALL',
    `select ${[
      'pg_catalog.pg_advisory_unlock_all()',
      `pg_catalog.set_config('transaction_isolation', pg_catalog.current_setting('default_transaction_isolation'), true)`,
      `pg_catalog.set_config('transaction_read_only', 'on', true)`,
      setting('search_path', '"public", "extensions"'),
      setting('role', 'anon'),
      setting(
        'request.jwt.claims',
        '{"iss":"supabase","ref":"abcdefghijklmnopqrst","role":"anon","iat":1795000000,"exp":2110000000}',
      ),
      setting('request.method', 'GET'),
      setting('request.path', path),
      setting('request.headers', JSON.stringify({ host, apikey: apiKey })),
      setting('request.cookies', '{}'),
      setting('statement_timeout', '3s'),
    ].join(', ')}`,
    main,
  ]
}

/** A read's statement around the rows that it selects. */
export const readStatement = (rows: string): string =>
  `select null, count(*), coalesce(json_agg(_page), '[]'), nullif(current_setting('response.headers', true), ''), ` +
  `nullif(current_setting('response.status', true), '') from (${rows}) as _page`
