import { sql } from '@favo/postgres'
import type { Admin } from './admin.ts'
import { databaseLock, withLock } from './locks.ts'
import { createControlLogin, platformVerifier, setPassword, type PasswordFor } from './logins.ts'
import { loginName } from './names.ts'

/** The login `<database>_ctl` with its derived password, and the schema `control`, which only it may use. */
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
      await admin.inDatabase(database, (inside) =>
        inside.run(sql`create schema if not exists control authorization ${sql.ident(login)}`),
      )
    }),
  )
}
