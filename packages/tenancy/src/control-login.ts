import { sql, type Sql } from '@favo/postgres'
import type { Admin } from './admin.ts'
import { databaseLock, withLock } from './locks.ts'
import { createControlLogin, platformVerifier, setPassword, type PasswordFor } from './logins.ts'
import { loginName } from './names.ts'

/**
 * The login `<database>_ctl` with its derived password, and the schema `control`, which only it may use. Of Auth's tables it
 * reads who there is and which sessions live; in `public` it keeps the views and functions that projects' members use.
 */
export async function ensureControlLogin(
  admin: Admin,
  passwordFor: PasswordFor,
  database: string,
): Promise<void> {
  const verifier = await platformVerifier(passwordFor, database, 'ctl')
  const login = loginName(database, 'ctl')
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      const [found] = await session.many(sql`select from pg_roles where rolname = ${login}`)
      await session.run(
        found === undefined ? createControlLogin(database, verifier) : setPassword(database, 'ctl', verifier),
      )
      await admin.inDatabase(database, async (inside) => {
        await inside.run(sql`create schema if not exists control authorization ${sql.ident(login)}`)
        const [{ hasAuth } = { hasAuth: false }] = await inside.many<{ hasAuth: boolean }>(
          sql`select to_regclass('auth.users') is not null as "hasAuth"`,
        )
        if (hasAuth) await inside.run(openAuthTables(login))
        await inside.run(sql`grant usage, create on schema public to ${sql.ident(login)}`)
        // The owner of public may put functions there that fit a call better than pg_catalog's.
        await inside.run(
          sql`alter role ${sql.ident(login)} in database ${sql.ident(database)} set search_path = pg_catalog, pg_temp`,
        )
      })
    }),
  )
}

/** Columns that say who somebody is, and none that holds a secret. The tables have row security without policies. */
const readable = {
  users: sql`id, email, email_confirmed_at, banned_until, deleted_at, is_anonymous, is_sso_user, created_at`,
  sessions: sql`id, user_id, not_after, oauth_client_id, aal`,
  mfa_factors: sql`id, user_id, status`,
} as const

function openAuthTables(login: string): Sql {
  const role = sql.ident(login)
  const tables = Object.entries(readable).map(([name, columns]) => {
    const table = sql.ident('auth', name)
    return sql`
      grant select (${columns}) on ${table} to ${role};
      drop policy if exists control_plane_reads on ${table};
      create policy control_plane_reads on ${table} for select to ${role} using (true)`
  })
  return sql.join(
    [
      sql`grant usage on schema auth to ${role}`,
      // What a deleted user had in the control plane goes with him.
      sql`grant references (id) on auth.users to ${role}`,
      ...tables,
    ],
    '; ',
  )
}
