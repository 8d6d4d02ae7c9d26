import { isIP } from 'node:net'
import { z } from 'zod'
import { wholeNumber } from '@favo/runtime'

function isAddressOrRange(entry: string): boolean {
  const [address = '', bits, ...rest] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

const hostname = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

/** Every setting of the server. `docs/configuration.md` is generated from it. */
export const configSchema = z
  .object({
    FAVO_HOME: z
      .string()
      .optional()
      .describe('Folder of all data. Default `~/.favo`, as root `/var/lib/favo`.'),
    FAVO_HOST: z.string().default('127.0.0.1').describe('Address the HTTP server listens on.'),
    FAVO_PORT: wholeNumber(1, 65_535)
      .optional()
      .describe(
        'HTTP port. Default 8000, or the next free one when that is taken; a port that is given must be free.',
      ),
    FAVO_DOMAIN: z
      .string()
      .toLowerCase()
      .regex(hostname, 'must be a host name such as favo.example.com')
      .default('favo.localhost')
      .describe('Projects answer at `<ref>.<domain>` and `<subdomain>.<domain>`.'),
    FAVO_PUBLIC_URL: z
      .url({ protocol: /^https?$/, error: 'must be a URL such as https://favo.example.com' })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .describe(
        'Address under which clients reach this server, when a proxy stands in front. Default `http://127.0.0.1:<port>`.',
      ),
    FAVO_PG_PORT: wholeNumber(1, 65_535)
      .optional()
      .describe(
        'Port for Postgres clients, session mode. Default 54322, or the next free one when that is taken; a port that is given must be free.',
      ),
    FAVO_PG_TRANSACTION_PORT: wholeNumber(1, 65_535)
      .optional()
      .describe(
        'Port for Postgres clients, transaction mode: many clients share few connections. Default 54329, giving way as above.',
      ),
    FAVO_PG_HOST: z
      .string()
      .optional()
      .describe('Address that the two Postgres ports listen on. Default: `FAVO_HOST`.'),
    FAVO_PG_TLS_CERT: z
      .string()
      .optional()
      .describe(
        'File with the certificate (PEM, with its chain) for TLS on the Postgres ports. Without it: one signed by itself.',
      ),
    FAVO_PG_TLS_KEY: z.string().optional().describe('File with the private key (PEM) of that certificate.'),
    FAVO_PG_CONNECTIONS: wholeNumber(1, 4_000)
      .default(60)
      .describe('Connections on the session port, of all projects together.'),
    FAVO_PG_CONNECTIONS_PER_PROJECT: wholeNumber(1, 60)
      .default(12)
      .describe('Connections on the session port, of one project.'),
    FAVO_PG_POOL_CONNECTIONS: wholeNumber(1, 4_000)
      .default(30)
      .describe('Connections to Postgres that all clients of the transaction port share.'),
    FAVO_PG_POOL_CONNECTIONS_PER_PROJECT: wholeNumber(1, 60)
      .default(8)
      .describe('How many of them one project may have.'),
    FAVO_PG_WRONG_PASSWORDS: wholeNumber(0, 1_000_000)
      .default(20)
      .describe(
        'Wrong passwords from one address for one project within ten minutes that ban it for half an hour; 0: never. Where all clients come through a TCP proxy they have one address.',
      ),
    FAVO_DB_PORT: wholeNumber(1, 65_535)
      .default(54_320)
      .describe('Loopback port of the embedded Postgres; the next free one when it is taken.'),
    FAVO_DB_MAX_CONNECTIONS: wholeNumber(50, 5_000)
      .default(300)
      .describe('`max_connections` of the embedded Postgres.'),
    FAVO_POOL_CONNECTIONS: wholeNumber(4, 4_000)
      .default(200)
      .describe('Connections that all projects together may hold open for HTTP requests.'),
    FAVO_POOL_CONNECTIONS_PER_PROJECT: wholeNumber(1, 100)
      .default(8)
      .describe('Connections that one project may hold open per login.'),
    FAVO_POOL_IDLE_SECONDS: wholeNumber(1, 86_400)
      .default(60)
      .describe('Seconds without traffic after which a project’s connections are closed.'),
    FAVO_BODY_LIMIT_MB: wholeNumber(1, 1_024).default(10).describe('Largest request body, in MiB.'),
    FAVO_ALLOW_PRIVATE_ADDRESSES: z
      .enum(['true', 'false'], { error: 'must be true or false' })
      .transform((text) => text === 'true')
      .default(false)
      .describe(
        'Whether addresses that projects choose (hooks, identity providers) may lead to private networks and this machine. Only where all owners of projects are trusted.',
      ),
    FAVO_LEAKED_PASSWORDS_URL: z
      .url({ protocol: /^https?$/, error: 'must be an address of http or https' })
      .optional()
      .describe(
        'Server that knows passwords from leaks, with the ranges of Have I Been Pwned (`/range/<five digits>`), for projects that want them checked. Unset: Have I Been Pwned itself.',
      ),
    FAVO_TRUSTED_PROXIES: z
      .string()
      .transform((list) => list.split(',').map((entry) => entry.trim()))
      .refine(
        (entries) => entries.every((entry) => isAddressOrRange(entry)),
        'must be addresses or ranges separated by commas, such as 10.0.0.0/8, 192.168.1.4',
      )
      .optional()
      .describe(
        'Proxies whose `X-Forwarded-…` headers are believed: addresses or CIDR ranges, separated by commas.',
      ),
    FAVO_DELETE_GRACE_DAYS: wholeNumber(0, 365)
      .default(7)
      .describe('Days for which a deleted project can be restored; 0: its data are gone at once.'),
    FAVO_LOG_LEVEL: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'], {
        error: 'must be debug, info, warn, error or silent',
      })
      .default('info')
      .describe('Least severe level that is logged.'),
  })
  .refine((config) => config.FAVO_POOL_CONNECTIONS <= config.FAVO_DB_MAX_CONNECTIONS - 50, {
    path: ['FAVO_POOL_CONNECTIONS'],
    error: 'must leave 50 of FAVO_DB_MAX_CONNECTIONS to direct connections and the platform itself',
  })
  .refine((config) => (config.FAVO_PG_TLS_CERT === undefined) === (config.FAVO_PG_TLS_KEY === undefined), {
    path: ['FAVO_PG_TLS_KEY'],
    error: 'must be given together with FAVO_PG_TLS_CERT',
  })

export type Config = Readonly<z.infer<typeof configSchema>>
