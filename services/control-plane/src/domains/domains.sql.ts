import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface DomainRow {
  readonly id: string
  readonly ref: string
  readonly hostname: string
  readonly token: string
  readonly status: 'pending' | 'verified' | 'active'
  readonly is_custom_hostname: boolean
  readonly error: string | null
  readonly created_at: string
  readonly verified_at: string | null
}

const columns = sql`
  id, ref, hostname, token, status, is_custom_hostname, error, ${isoTime('created_at')} as created_at,
  ${isoTime('verified_at')} as verified_at`

export const listDomains = (db: Queryable, ref: string) =>
  db.many<DomainRow>(sql`select ${columns} from control.domains where ref = ${ref} order by hostname`)

export const findDomain = (db: Queryable, ref: string, hostname: string) =>
  db.maybeOne<DomainRow>(
    sql`select ${columns} from control.domains where ref = ${ref} and hostname = ${hostname}`,
  )

/** The one that the Management API knows. */
export const findCustomHostname = (db: Queryable, ref: string) =>
  db.maybeOne<DomainRow>(
    sql`select ${columns} from control.domains where ref = ${ref} and is_custom_hostname`,
  )

/** Whether another project has proved that the name is its own. */
export const isOwnedByAnother = async (db: Queryable, ref: string, hostname: string): Promise<boolean> =>
  (await db.maybeOne(
    sql`select 1 as one from control.domains where hostname = ${hostname} and ref <> ${ref} and status <> 'pending'`,
  )) !== null

/** One that is there stays as it is, but may become the custom hostname. */
export const insertDomain = (
  db: Queryable,
  domain: { ref: string; hostname: string; token: string; isCustomHostname: boolean },
) =>
  db.one<DomainRow>(sql`
    insert into control.domains as d (ref, hostname, token, is_custom_hostname)
    values (${domain.ref}, ${domain.hostname}, ${domain.token}, ${domain.isCustomHostname})
    on conflict (ref, hostname) do update set is_custom_hostname = d.is_custom_hostname or excluded.is_custom_hostname
    returning ${columns}`)

export const noteVerified = (db: Queryable, id: string, status: 'verified' | 'active') =>
  db.one<DomainRow>(sql`
    update control.domains set
      status = case when status = 'active' then status else ${status} end, error = null, checked_at = now(),
      verified_at = coalesce(verified_at, now())
    where id = ${id}::uuid returning ${columns}`)

/** One that was verified before stays so: name servers fail at times. */
export const noteUnverified = (db: Queryable, id: string, error: string) =>
  db.one<DomainRow>(sql`
    update control.domains set error = ${error}, checked_at = now() where id = ${id}::uuid returning ${columns}`)

export const deleteDomain = (db: Queryable, id: string) =>
  db.run(sql`delete from control.domains where id = ${id}::uuid`)
