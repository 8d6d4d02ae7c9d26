import { sql } from '@favo/postgres'
import { withSession, type Admin, type AdminOptions, type AdminSession } from './admin.ts'
import { sqlState, TenancyError } from './errors.ts'
import { databaseLock, withLock } from './locks.ts'
import { platformVerifier, setPassword, type PasswordFor } from './logins.ts'
import type { MigrationFile, MigrationSet } from './migrations.ts'
import { loginName } from './names.ts'
import { findState } from './state.ts'
import { applyFile, readVersion } from './template.ts'

export interface UpgradeResult {
  /** `component/file` of what was applied, in order; empty when the database was up to date. */
  readonly applied: readonly string[]
}

/** Brings an existing database to the version of the files, one transaction each. Rivals wait and find nothing to do. */
export async function upgradeDatabase(
  context: { admin: Admin; endpoint: AdminOptions['endpoint']; passwordFor: PasswordFor },
  migrations: MigrationSet,
  database: string,
): Promise<UpgradeResult> {
  return context.admin.session(async (session) => {
    // Asked before each first opening of a database, and nearly always answered here.
    if ((await readVersion(session, database)) === migrations.version) return { applied: [] }
    return withLock(session, databaseLock(database), 'exclusive', async () => {
      const state = await findState(session, database)
      if (state.database === 'absent' || state.database === 'half_made')
        throw new TenancyError('not_found', `there is no database ${database}`)
      if ((await readVersion(session, database)) === migrations.version) return { applied: [] }

      const applied = await context.admin.inDatabase(database, async (inside) => {
        const missing = await findMissing(inside, migrations, database)
        if (missing.some(({ role }) => role !== null) && state.database === 'paused')
          throw new TenancyError('paused', `${database} is paused; it is upgraded when it is resumed`)
        await restoreOwners(inside)
        for (const file of missing)
          await (file.role === null
            ? applyFile(inside, file)
            : applyAsService(context, inside, session, database, file))
        return missing.map(({ component, name }) => `${component}/${name}`)
      })
      await session.run(
        sql`alter database ${sql.ident(database)} set favo.version = ${sql.literal(migrations.version)}`,
      )
      return { applied }
    })
  })
}

async function findMissing(
  inside: AdminSession,
  migrations: MigrationSet,
  database: string,
): Promise<MigrationFile[]> {
  const rows = await inside.many<{ component: string; name: string; checksum: string }>(
    sql`select component, name, checksum from pg_favo.migrations`,
  )
  const applied = new Map(rows.map((row) => [`${row.component}/${row.name}`, row.checksum]))
  return migrations.project.filter(({ component, name, checksum }) => {
    const recorded = applied.get(`${component}/${name}`)
    if (recorded !== undefined && recorded !== checksum)
      throw new TenancyError(
        'migration_changed',
        `${component}/${name} was edited after it had been applied to ${database}`,
      )
    return recorded === undefined
  })
}

/** A customer may have taken objects of the platform's (dumps do that to schemas); services could not work with them. */
export async function restoreOwners(inside: AdminSession): Promise<number> {
  const [row] = await inside.many<{ restored: number }>(sql`select pg_favo.restore_owners() as restored`)
  return row?.restored ?? 0
}

/**
 * In a session of the project's `_svc` login: rows that the file touches may fire customers' triggers, and code that runs in
 * a superuser's session can always return to the superuser, whatever role was set.
 */
async function applyAsService(
  { endpoint, passwordFor }: { endpoint: AdminOptions['endpoint']; passwordFor: PasswordFor },
  inside: AdminSession,
  cluster: AdminSession,
  database: string,
  file: MigrationFile,
): Promise<void> {
  const apply = async () =>
    withSession(
      {
        ...endpoint,
        database,
        user: loginName(database, 'svc'),
        password: await passwordFor(database, 'svc'),
        options: '-c search_path=pg_catalog -c statement_timeout=0 -c lock_timeout=10s',
      },
      async (service) => {
        const [{ pid } = { pid: 0 }] = await service.many<{ pid: number }>(
          sql`select pg_backend_pid() as pid`,
        )
        await inside.run(sql`
          insert into pg_favo.maintenance_sessions (pid, backend_start)
          select activity.pid, activity.backend_start from pg_stat_get_activity(${pid}) activity
        `)
        try {
          await applyFile(service, file)
        } finally {
          await inside.run(sql`delete from pg_favo.maintenance_sessions where pid = ${pid}`)
        }
      },
    )
  try {
    await apply()
  } catch (error) {
    if (sqlState(error) !== '28P01') throw error
    await cluster.run(setPassword(database, 'svc', await platformVerifier(passwordFor, database, 'svc')))
    await apply()
  }
}
