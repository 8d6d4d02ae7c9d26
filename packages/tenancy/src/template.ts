import { sql } from '@favo/postgres'
import type { Admin, AdminSession } from './admin.ts'
import { templateLock, withLock } from './locks.ts'
import type { MigrationFile, MigrationSet } from './migrations.ts'
import { templateDatabase } from './names.ts'

const buildingDatabase = `${templateDatabase}_building`
const outdatedDatabase = `${templateDatabase}_outdated`

/**
 * Makes `favo_template` at the current version unless it is there. It is built under another name and renamed when complete,
 * so a template that exists is whole. Rivals wait for the first and then find it done.
 */
export async function prepareTemplate(admin: Admin, migrations: MigrationSet): Promise<void> {
  await admin.session(async (session) => {
    if ((await readVersion(session, templateDatabase)) === migrations.version) return
    await withLock(session, templateLock, 'exclusive', async () => {
      if ((await readVersion(session, templateDatabase)) === migrations.version) return
      await dropLeftovers(session)
      const building = sql.ident(buildingDatabase)
      // template0: nothing that somebody left in template1 gets into every project.
      await session.run(sql`create database ${building} template template0 encoding 'UTF8'`)
      await session.run(sql`revoke all on database ${building} from public`)
      await buildContents(admin, migrations)
      await session.run(sql`
        alter database ${building} set favo.version = ${sql.literal(migrations.version)};
        alter database ${building} allow_connections false
      `)
      await swap(session)
    })
  })
}

async function buildContents(admin: Admin, migrations: MigrationSet): Promise<void> {
  const platform = migrations.project.filter(({ role }) => role === null)
  const services = migrations.project.filter(({ role }) => role !== null)
  await admin.inDatabase(buildingDatabase, async (session) => {
    for (const file of platform) await applyFile(session, file)
  })
  // With event triggers: the guard sees what the services make, and protects it.
  await admin.inDatabase(
    buildingDatabase,
    async (session) => {
      await enterMaintenance(session)
      for (const file of services) await applyFile(session, file)
      await session.run(sql`delete from pg_favo.maintenance_sessions`)
    },
    { eventTriggers: 'on' },
  )
  // Frozen, so that idle projects need no vacuum against wraparound for as long as possible.
  await admin.inDatabase(buildingDatabase, (session) => session.run(sql`vacuum (freeze, analyze)`))
}

/** Lets this very session change what the guard protects. */
export const enterMaintenance = (session: AdminSession): Promise<void> =>
  session.run(sql`
    insert into pg_favo.maintenance_sessions (pid, backend_start)
    select activity.pid, activity.backend_start from pg_stat_get_activity(pg_backend_pid()) activity
  `)

/** One file, one transaction, with its record. */
export async function applyFile(session: AdminSession, file: MigrationFile): Promise<void> {
  await session.run(sql`begin`)
  if (file.role !== null) await session.run(sql`set local role ${sql.ident(file.role)}`)
  try {
    await session.run(sql.trusted(file.text))
    // Files may end in `reset role`.
    if (file.role !== null) await session.run(sql`set local role ${sql.ident(file.role)}`)
    await session.run(sql`select pg_favo.record_migration(${file.component}, ${file.name}, ${file.checksum})`)
    await session.run(sql`commit`)
  } catch (error) {
    await session.run(sql`rollback`).catch(() => {})
    throw new Error(`${file.component}/${file.name}: ${(error as Error).message}`, { cause: error })
  }
}

/** Both names change in one transaction, so there is a template at every moment. */
async function swap(session: AdminSession): Promise<void> {
  const renames = [
    sql`alter database ${sql.ident(buildingDatabase)} rename to ${sql.ident(templateDatabase)}`,
  ]
  if (await exists(session, templateDatabase))
    renames.unshift(
      sql`alter database ${sql.ident(templateDatabase)} rename to ${sql.ident(outdatedDatabase)}`,
    )
  await session.run(sql.join(renames, '; '))
  await dropLeftovers(session)
}

async function dropLeftovers(session: AdminSession): Promise<void> {
  for (const name of [buildingDatabase, outdatedDatabase])
    await session.run(sql`drop database if exists ${sql.ident(name)} with (force)`)
}

async function exists(session: AdminSession, database: string): Promise<boolean> {
  const rows = await session.many(sql`select from pg_database where datname = ${database}`)
  return rows.length > 0
}

/**
 * The version that a database was last brought to. It is kept as a setting of the database, of no role: only a superuser
 * can write that, and tenants cannot read other databases' settings.
 */
export async function readVersion(session: AdminSession, database: string): Promise<string | null> {
  const [row] = await session.many<{ version: string | null }>(sql`
    select (
      select substr(entry, 14) from unnest(setconfig) entry where starts_with(entry, 'favo.version=')
    ) as version
    from pg_db_role_setting join pg_database on pg_database.oid = setdatabase
    where datname = ${database} and setrole = 0
  `)
  return row?.version ?? null
}
