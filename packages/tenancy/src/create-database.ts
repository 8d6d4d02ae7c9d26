import { sql } from '@favo/postgres'
import type { Admin, AdminSession } from './admin.ts'
import { dropEverything } from './drop-database.ts'
import { sqlState } from './errors.ts'
import { databaseLock, templateLock, withLock } from './locks.ts'
import {
  createRoles,
  grantAccess,
  makeVerifiers,
  openConnectionLimit,
  setPassword,
  type PasswordFor,
  type Verifiers,
} from './logins.ts'
import { platformLogins, templateDatabase } from './names.ts'
import { findState } from './state.ts'
import { readVersion } from './template.ts'

/** In this order; each is announced before it starts. */
export type CreationStep = 'roles' | 'database' | 'access' | 'open'

export interface CreateDatabaseInput {
  readonly database: string
  /** Password of `<database>_db`, the customer's login. Only a SCRAM verifier of it is sent to Postgres. */
  readonly ownerPassword: string
  readonly onStep?: (step: CreationStep) => void | Promise<void>
}

/**
 * Makes a project's database and logins out of the template.
 *
 * Until its last step nobody can connect to the database. That marks a half-made one: whatever a killed process left
 * behind is taken away first, and when a step fails everything is rolled back and the error thrown. A database that is
 * complete is kept: then only passwords and access are set again, as a repeated run of the same creation needs it.
 */
export async function createDatabase(
  admin: Admin,
  passwordFor: PasswordFor,
  input: CreateDatabaseInput,
): Promise<void> {
  const { database, onStep = () => {} } = input
  const verifiers = await makeVerifiers(passwordFor, database, input.ownerPassword)
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      const state = await findState(session, database)
      if (state.database === 'complete') return renewAccess(session, database, verifiers)
      await removeHalfMade(session, database)
      try {
        await onStep('roles')
        await session.run(createRoles(database, verifiers))
        await onStep('database')
        const version = await copyTemplate(session, database)
        await onStep('access')
        await session.run(
          sql`${grantAccess(database)}; alter database ${sql.ident(database)} set favo.version = ${sql.literal(version)}`,
        )
        await onStep('open')
        await session.run(sql`alter database ${sql.ident(database)} allow_connections true`)
      } catch (error) {
        await rollBack(admin, session, database)
        throw error
      }
    }),
  )
}

/** Returns the version that was copied: under the lock nobody swaps the template for another in between. */
async function copyTemplate(session: AdminSession, database: string): Promise<string> {
  return withLock(session, templateLock, 'shared', async () => {
    const version = await readVersion(session, templateDatabase)
    // Nobody connects to the template, but autovacuum may pass by; Postgres asks it to leave, at worst after some seconds.
    for (let attempt = 1; ; attempt++) {
      try {
        await session.run(sql`
          create database ${sql.ident(database)} template ${sql.ident(templateDatabase)}
          allow_connections false connection limit ${openConnectionLimit}
        `)
        return version ?? 'unknown'
      } catch (error) {
        if (sqlState(error) !== '55006' || attempt === 3) throw error
      }
    }
  })
}

/** What a killed process left under this name: roles, and a database that is not open to its logins. */
export async function removeHalfMade(session: AdminSession, database: string): Promise<void> {
  const state = await findState(session, database)
  if (state.database !== 'absent' || state.hasRoles) await dropEverything(session, database)
}

async function renewAccess(session: AdminSession, database: string, verifiers: Verifiers): Promise<void> {
  await session.run(
    sql.join(
      [
        ...(['db', ...platformLogins] as const).map((suffix) =>
          setPassword(database, suffix, verifiers[suffix]),
        ),
        grantAccess(database),
      ],
      '; ',
    ),
  )
}

/** Best effort: what cannot be taken away now (Postgres is down) is taken away by the next attempt or by dropDatabase. */
async function rollBack(admin: Admin, session: AdminSession, database: string): Promise<void> {
  try {
    await dropEverything(session, database)
  } catch {
    await admin.session((fresh) => dropEverything(fresh, database)).catch(() => {})
  }
}
