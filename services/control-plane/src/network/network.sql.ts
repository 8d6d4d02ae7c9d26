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
    select host(address) as address from control.network_bans
    where ref = ${ref} and expires_at > now() order by created_at, address`)

/** `addresses` that are none are no bans either. */
export const removeBans = (db: Queryable, ref: string, addresses: readonly string[]) =>
  db.run(sql`
    delete from control.network_bans where ref = ${ref} and host(address) = any (${addresses}::text[])`)
