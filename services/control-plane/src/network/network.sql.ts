import { isIP } from 'node:net'
import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface RestrictionsRow {
  /** Both as Postgres writes ranges: `10.0.0.0/8`, `2001:db8::/32`. */
  readonly allowed_cidrs: readonly string[]
  readonly old_cidrs: readonly string[] | null
  readonly updated_at: string
}

const columns = sql`
  to_json(allowed_cidrs) as allowed_cidrs, to_json(old_cidrs) as old_cidrs, ${isoTime('updated_at')} as updated_at`

/** Null: never restricted. */
export const findRestrictions = (db: Queryable, ref: string) =>
  db.maybeOne<RestrictionsRow>(sql`select ${columns} from control.network_restrictions where ref = ${ref}`)

export const saveRestrictions = (db: Queryable, ref: string, cidrs: readonly string[]) =>
  db.one<RestrictionsRow>(sql`
    insert into control.network_restrictions as r (ref, allowed_cidrs) values (${ref}, ${cidrs}::cidr[])
    on conflict (ref) do update set
      allowed_cidrs = excluded.allowed_cidrs, old_cidrs = r.allowed_cidrs, updated_at = now()
    returning ${columns}`)

export const listBans = (db: Queryable, ref: string) =>
  db.many<{ address: string }>(sql`
    select to_json(address) #>> '{}' as address from control.network_bans
    where ref = ${ref} and expires_at > now() order by created_at, address`)

/** What is no address is no ban either. A banned network goes by its name, or by any of its addresses. */
export const removeBans = (db: Queryable, ref: string, addresses: readonly string[]) =>
  db.run(sql`
    delete from control.network_bans
    where ref = ${ref} and address >>= any (${addresses.filter(isAddress)}::inet[])`)

const isAddress = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  return (
    family !== 0 &&
    rest.length === 0 &&
    (bits === undefined || /^\d{1,3}$/.test(bits)) &&
    Number(bits ?? 0) <= (family === 4 ? 32 : 128)
  )
}

/** A ban, or a longer one. False when there is no such project. */
export const insertBan = async (
  db: Queryable,
  ban: { readonly ref: string; readonly range: string; readonly seconds: number },
): Promise<boolean> =>
  (await db.run(sql`
    insert into control.network_bans as b (ref, address, expires_at)
    select p.ref, ${ban.range}::inet, now() + make_interval(secs => ${ban.seconds}::float8)
    from control.projects p where p.ref = ${ban.ref}
    on conflict (ref, address) do update set expires_at = greatest(b.expires_at, excluded.expires_at)`)) === 1

/** The caches hear of it by the table's trigger. */
export const deleteExpiredBans = (db: Queryable) =>
  db.run(sql`delete from control.network_bans where expires_at <= now()`)

export const findTlsEnforcement = async (db: Queryable, ref: string): Promise<boolean> =>
  (
    await db.maybeOne<{ requires_tls: boolean }>(
      sql`select requires_tls from control.project_settings where ref = ${ref}`,
    )
  )?.requires_tls ?? false

export const saveTlsEnforcement = (db: Queryable, ref: string, isRequired: boolean) =>
  db.run(sql`update control.project_settings set requires_tls = ${isRequired} where ref = ${ref}`)
