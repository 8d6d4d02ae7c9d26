import { parseScramVerifier, sql, type ScramVerifier } from '@favo/postgres'
import type { Admin } from './admin.ts'

/** A role that may sign in with a password. */
export interface FoundLogin {
  readonly verifier: ScramVerifier
  /** Its password has expired. */
  readonly isExpired: boolean
}

/** Asked anew each time: a password that is changed inside Postgres is good at once, and the old one is not. */
export async function findLogin(admin: Admin, role: string): Promise<FoundLogin | null> {
  const [row] = await admin.session((session) =>
    session.many<{ password: string | null; is_expired: boolean }>(sql`
      select rolpassword as password, coalesce(rolvaliduntil < now(), false) as is_expired
      from pg_authid where rolname = ${role} and rolcanlogin and not rolsuper
    `),
  )
  const verifier = row === undefined || row.password === null ? null : parseScramVerifier(row.password)
  return row === undefined || verifier === null ? null : { verifier, isExpired: row.is_expired }
}
