import type { ConnectionOptions } from 'node:tls'

/** Where a Postgres server listens. A host that starts with `/` is the folder of its Unix socket. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  /** Off unless given. External clusters want it; the embedded one is a local socket. */
  readonly tls?: ConnectionOptions
}

/** Options for `net.connect`. */
export const socketAddress = ({ host, port }: Endpoint): { path: string } | { host: string; port: number } =>
  host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
