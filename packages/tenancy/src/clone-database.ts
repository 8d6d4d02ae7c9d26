import { sql } from '@favo/postgres'
import { adminApplicationName, type Admin, type AdminSession } from './admin.ts'
import { mapRoles } from './clone-roles.ts'
import { removeHalfMade, type CreateDatabaseInput } from './create-database.ts'
import { sqlState, TenancyError } from './errors.ts'
import { databaseLock, withLock } from './locks.ts'
import { createRoles, grantAccess, makeVerifiers, openConnectionLimit, type PasswordFor } from './logins.ts'
import { checkWhole, endSessions } from './pause-database.ts'
import { findState } from './state.ts'
import { readVersion } from './template.ts'

/** In this order; each is announced before it starts. `hold` to `release` is when the source refuses connections. */
export type CloneStep = 'hold' | 'copy' | 'release' | 'roles' | 'open'

export interface CloneDatabaseInput extends Omit<CreateDatabaseInput, 'onStep'> {
  readonly source: string
  /** The source refuses new sessions and its old ones have not been ended yet: the moment to let requests finish. */
  readonly onHeld?: () => Promise<void>
  readonly onReleased?: () => void
  readonly onStep?: (step: CloneStep) => void | Promise<void>
}

/** From this size on the files are copied instead of being written to the log of changes block by block. */
const fileCopyBytes = 64 * 1024 * 1024

/**
 * Makes a database with all data of another one, and logins of its own.
 *
 * The source refuses sessions while Postgres copies it, which takes as long as its size asks for (about a second for each
 * gigabyte on a local disk). A process that is killed in that time leaves it refusing: `resumeDatabase` opens it again.
 * The copy is closed to everybody but the superuser until nothing in it belongs to the source's roles any more.
 */
export async function cloneDatabase(
  admin: Admin,
  passwordFor: PasswordFor,
  input: CloneDatabaseInput,
): Promise<void> {
  const { source, database, onStep = () => {} } = input
  const verifiers = await makeVerifiers(passwordFor, database, input.ownerPassword)
  const target = sql.ident(database)
  await admin.session((session) =>
    withLock(session, databaseLock(source), 'exclusive', () =>
      withLock(session, databaseLock(database), 'exclusive', async () => {
        await checkWhole(session, source)
        await refuseControlPlane(session, source)
        if ((await findState(session, database)).database === 'complete')
          throw new Error(`there is a database ${database} already`)
        await removeHalfMade(session, database)
        try {
          await session.run(createRoles(database, verifiers))
          const version = await copyHeld(admin, session, input)
          await onStep('roles')
          // PUBLIC may connect to a new database, so this comes before anything can.
          await session.run(sql`
            ${grantAccess(database)};
            alter database ${target} set favo.version = ${sql.literal(version)};
            alter database ${target} allow_connections true
          `)
          await admin.inDatabase(database, (inside) => mapRoles(inside, source, database))
          await onStep('open')
          await session.run(sql`alter database ${target} connection limit ${openConnectionLimit}`)
        } catch (error) {
          await removeHalfMade(session, database).catch(() =>
            admin.session((fresh) => removeHalfMade(fresh, database)).catch(() => {}),
          )
          throw error
        }
      }),
    ),
  )
}

/** Returns the version of what was copied. The source is open again afterwards, if it was before. */
async function copyHeld(admin: Admin, session: AdminSession, input: CloneDatabaseInput): Promise<string> {
  const { source, database, onStep = () => {} } = input
  const wasOpen = (await findState(session, source)).database === 'complete'
  // Copying files begins with a checkpoint. What has piled up until now is written while nobody has to wait for it.
  if (await isCopiedByFile(session, source)) await session.run(sql`checkpoint`)
  try {
    await onStep('hold')
    await session.run(sql`alter database ${sql.ident(source)} connection limit 0`)
    await input.onHeld?.()
    await endSessions(session, source)
    await onStep('copy')
    const version = await readVersion(session, source)
    await copyFiles(session, source, database)
    await onStep('release')
    return version ?? 'unknown'
  } finally {
    const reopen = sql`alter database ${sql.ident(source)} connection limit ${openConnectionLimit}`
    // Postgres may have restarted under this session.
    if (wasOpen) await session.run(reopen).catch(() => admin.session((fresh) => fresh.run(reopen)))
    input.onReleased?.()
  }
}

async function isCopiedByFile(session: AdminSession, source: string): Promise<boolean> {
  const [size] = await session.many<{ bytes: string }>(sql`select pg_database_size(${source}) as bytes`)
  return Number(size?.bytes ?? 0) > fileCopyBytes
}

async function copyFiles(session: AdminSession, source: string, database: string): Promise<void> {
  const strategy = (await isCopiedByFile(session, source)) ? sql`file_copy` : sql`wal_log`
  // A session of the superuser's may come by all the same; Postgres waits five seconds for it each time.
  for (let attempt = 1; ; attempt++) {
    await endVacuum(session, source)
    try {
      await session.run(sql`
        create database ${sql.ident(database)} template ${sql.ident(source)} strategy ${strategy}
        allow_connections false connection limit 0
      `)
      return
    } catch (error) {
      if (sqlState(error) !== '55006' || attempt === 4) throw error
    }
  }
}

/**
 * Ours in the source, which limits of connections do not keep out: vacuuming a large table takes minutes, and is done again.
 * Whatever else works there as the superuser waits for the lock that the caller holds.
 */
const endVacuum = (session: AdminSession, source: string) =>
  session.run(sql`
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = ${source} and application_name = ${adminApplicationName} and pid <> pg_backend_pid()
  `)

/** The platform's own database holds the tables of all projects. */
async function refuseControlPlane(session: AdminSession, source: string): Promise<void> {
  const [login] = await session.many(sql`select from pg_roles where rolname = ${`${source}_ctl`}`)
  if (login !== undefined)
    throw new TenancyError('not_cloneable', `${source} holds the control plane and is not copied`)
}
