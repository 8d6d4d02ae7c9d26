import type { ProjectConnection } from '@favo/contracts'

/** The lines that `create` and `get` print for people. */
export function renderConnection(connection: ProjectConnection): string {
  const lines: [string, string][] = [
    ['ref', connection.ref],
    ['status', connection.status],
    ['URL', connection.url],
    // The subdomain answers like the ref.
    ['', connection.url.replace(`//${connection.ref}.`, `//${connection.subdomain}.`)],
    ['path URL', connection.path_url],
    ['anon key', connection.keys.anon],
    ['service key', connection.keys.service_role],
    ['publishable key', connection.keys.publishable],
    ['secret key', connection.keys.secret],
    ['JWT secret', connection.jwt_secret],
    ['database', connection.database.url],
    ['  many clients', connection.database.transaction_url],
  ]
  if (connection.database.admin_url !== undefined) lines.push(['admin', connection.database.admin_url])
  return lines.map(([label, value]) => `  ${label.padEnd(16)}${value}\n`).join('')
}
