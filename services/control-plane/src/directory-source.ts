import { sql, type Queryable, type Sql } from '@favo/postgres'
import {
  defaultAuthSettings,
  defaultRestSettings,
  type ApiKeyRecord,
  type AuthSettings,
  type DirectorySource,
  type Project,
  type ProjectStatus,
  type RestSettings,
} from '@favo/projects'
import type { Platform } from './platform.ts'
import { openSigningKeys, type StoredSigningKey } from './signing-keys/open-signing-keys.ts'
import { secretContexts } from './projects/project-secrets.ts'
import { openMail } from './settings/mail-settings.ts'
import { openSecurity } from './settings/security-settings.ts'
import { openSignIn } from './settings/sign-in-settings.ts'

interface DirectoryRow {
  readonly ref: string
  readonly name: string
  readonly subdomain: string
  readonly status: ProjectStatus
  readonly database: string
  readonly version: string
  readonly jwt_secret: string
  readonly rest: string
  readonly auth: string
  readonly api_keys: string
  readonly signing_keys: string
  /** JSON arrays; null where nothing is restricted. */
  readonly allowed_cidrs: string | null
  readonly banned_addresses: string | null
  readonly domains: string | null
  readonly requires_tls: boolean
}

/** One project with all that belongs to it, in one statement: its parts are of the same moment. */
export async function loadProject(
  { db, secretBox }: { readonly db: Queryable; readonly secretBox: Platform['secretBox'] },
  condition: Sql,
): Promise<Project | null> {
  const row = await db.maybeOne<DirectoryRow>(sql`
    select p.ref, p.name, p.subdomain, p.status, p.database, p.version::text as version, s.jwt_secret,
      t.requires_tls, t.rest::text as rest, t.auth::text as auth,
      (
        select coalesce(json_agg(json_build_object('id', k.id, 'type', k.type, 'hash', k.hash)), '[]')
        from control.api_keys k where k.ref = p.ref
      )::text as api_keys,
      (
        select coalesce(json_agg(g order by g.created_at, g.id), '[]')
        from control.signing_keys g where g.ref = p.ref
      )::text as signing_keys,
      (select to_json(n.allowed_cidrs) from control.network_restrictions n where n.ref = p.ref)::text as allowed_cidrs,
      (
        select json_agg(b.address) from control.network_bans b
        where b.ref = p.ref and b.expires_at > now()
      )::text as banned_addresses,
      (
        select json_agg(d.hostname) from control.domains d where d.ref = p.ref and d.status = 'active'
      )::text as domains
    from control.projects p
    join control.project_secrets s on s.ref = p.ref
    join control.project_settings t on t.ref = p.ref
    where ${condition} and p.status <> 'REMOVED'`)
  if (row === null) return null
  return {
    ref: row.ref,
    name: row.name,
    subdomain: row.subdomain,
    status: row.status,
    database: row.database,
    jwtSecret: secretBox.open(row.jwt_secret, secretContexts.jwtSecret(row.ref)),
    ...openSigningKeys(secretBox, row.ref, JSON.parse(row.signing_keys) as StoredSigningKey[]),
    apiKeys: JSON.parse(row.api_keys) as ApiKeyRecord[],
    rest: { ...defaultRestSettings, ...(JSON.parse(row.rest) as Partial<RestSettings>) },
    auth: {
      ...defaultAuthSettings,
      ...openAuth(secretBox, row.ref, JSON.parse(row.auth) as Partial<AuthSettings>),
    },
    ...stringsOf('allowedCidrs', row.allowed_cidrs),
    ...stringsOf('bannedAddresses', row.banned_addresses),
    ...stringsOf('domains', row.domains),
    ...(row.requires_tls ? { requiresTls: true } : {}),
    version: Number(row.version),
  }
}

const openAuth = (secretBox: Platform['secretBox'], ref: string, stored: Partial<AuthSettings>) =>
  openMail(secretBox, ref, openSecurity(secretBox, ref, openSignIn(secretBox, ref, stored)))
const stringsOf = (member: 'allowedCidrs' | 'bannedAddresses' | 'domains', json: string | null) =>
  json === null ? {} : { [member]: JSON.parse(json) as string[] }

export const projectChannel = 'favo_projects'

/** The tables' side of the project directory. `onChange` listeners are called by `ChangeFeed`. */
export const createDirectorySource = (
  platform: Pick<Platform, 'db' | 'secretBox'>,
  { onChange, isFollowing }: Pick<DirectorySource, 'onChange' | 'isFollowing'>,
): DirectorySource => ({
  loadByRef: (ref) => loadProject(platform, sql`p.ref = ${ref}`),
  // One that never came up holds its subdomain no longer, and another may have it.
  loadBySubdomain: (label) =>
    loadProject(platform, sql`p.subdomain = ${label} and p.status <> 'INIT_FAILED'`),
  loadByDomain: (hostname) =>
    loadProject(
      platform,
      sql`p.ref = (select d.ref from control.domains d where d.hostname = ${hostname} and d.status = 'active')`,
    ),
  loadByKeyHash: (hash) =>
    loadProject(platform, sql`p.ref = (select k.ref from control.api_keys k where k.hash = ${hash})`),
  onChange,
  isFollowing,
})
