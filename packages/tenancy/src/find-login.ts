import { parseScramVerifier, sql, type ScramVerifier } from '@favo/postgres'
import type { Admin } from './admin.ts'

/** A role that may sign in with a password. */
export interface FoundLogin {
  readonly verifier: ScramVerifier
  /** Its password has expired. */
  readonly isExpired: boolean
  /** What its sessions begin with, `name=value`: its own settings, those of its database and those of all roles. */
  readonly settings: readonly string[]
}

/** Asked anew each time: a password that is changed inside Postgres is good at once, and the old one is not. */
export async function findLogin(admin: Admin, role: string): Promise<FoundLogin | null> {
  const [row] = await admin.session((session) =>
    session.many<{ password: string | null; is_expired: boolean; settings: string[] }>(sql`
      select rolpassword as password, coalesce(rolvaliduntil < now(), false) as is_expired, array(
        select unnest(s.setconfig) from pg_db_role_setting s
        where s.setrole = a.oid
          or (s.setrole = 0 and s.setdatabase = 0)
          -- Logins are named after their database.
          or (s.setrole = 0 and s.setdatabase = (
            select d.oid from pg_database d where d.datname = regexp_replace(a.rolname, '_[^_]*$', '')))
      ) as settings
      from pg_authid a where rolname = ${role} and rolcanlogin and not rolsuper
    `),
  )
  const verifier = row === undefined || row.password === null ? null : parseScramVerifier(row.password)
  return row === undefined || verifier === null
    ? null
    : { verifier, isExpired: row.is_expired, settings: row.settings }
}
