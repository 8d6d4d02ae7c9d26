import type { ClusterAccess } from '@favo/tenancy'
import { isIP } from 'node:net'
import { controlErrors } from '../errors.ts'
import type { Platform } from '../platform.ts'

/** How a superuser's URL is kept: `tls` in words, because options of the TLS library are made of it. */
interface StoredAccess {
  readonly host: string
  readonly port: number
  readonly tls: 'off' | 'encrypted' | 'verified'
  readonly user: string
  readonly password: string
}

const context = (number: number) => `cluster:${number}:access`

export const sealAccess = ({ secretBox }: Platform, number: number, access: ClusterAccess): string => {
  const { endpoint, superuser } = access
  const tls =
    endpoint.tls === undefined ? 'off' : endpoint.tls.rejectUnauthorized === false ? 'encrypted' : 'verified'
  const stored: StoredAccess = { host: endpoint.host, port: endpoint.port, tls, ...superuser }
  return secretBox.seal(JSON.stringify(stored), context(number))
}

/** Throws when the master key is not the one it was sealed with. */
export function openAccess({ secretBox }: Platform, number: number, sealed: string): ClusterAccess {
  const { host, port, tls, user, password } = JSON.parse(
    secretBox.open(sealed, context(number)),
  ) as StoredAccess
  return { endpoint: { host, port, ...tlsOf(tls, host) }, superuser: { user, password } }
}

const near = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * Reads a superuser's URL. `sslmode` as libpq has it: `disable`, `require` (encrypted, whoever answers) or `verify-full`;
 * unless given, `disable` on this machine and `verify-full` elsewhere. Throws 422.
 */
export function parseClusterUrl(text: string): ClusterAccess {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.hostname === '')
    throw controlErrors.invalid('url is not a URL of a Postgres server.')
  const host = decodeURIComponent(url.hostname.replace(/^\[|\]$/g, ''))
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw controlErrors.invalid('url holds a % that begins no escape.')
    }
  }
  const user = decode(url.username)
  const password = decode(url.password)
  if (user === '' || password === '')
    throw controlErrors.invalid('url must name a superuser and his password.')
  const sslmode = url.searchParams.get('sslmode') ?? (near.has(host) ? 'disable' : 'verify-full')
  const tls = { disable: 'off', require: 'encrypted', 'verify-full': 'verified' }[sslmode]
  if (tls === undefined)
    throw controlErrors.invalid('sslmode in url must be disable, require or verify-full.')
  const port = url.port === '' ? 5_432 : Number(url.port)
  return {
    endpoint: { host, port, ...tlsOf(tls as StoredAccess['tls'], host) },
    superuser: { user, password },
  }
}

function tlsOf(tls: StoredAccess['tls'], host: string) {
  if (tls === 'off') return {}
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return { tls: { ...servername, rejectUnauthorized: tls === 'verified' } }
}
