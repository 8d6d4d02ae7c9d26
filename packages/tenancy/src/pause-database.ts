import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from '@favo/postgres'
import type { Admin, AdminSession } from './admin.ts'
import { TenancyError } from './errors.ts'
import { databaseLock, withLock } from './locks.ts'
import { openConnectionLimit } from './logins.ts'
import { findState } from './state.ts'

/**
 * Refuses new sessions of the project's logins and ends those that are there. A connection limit of zero, not
 * `allow_connections false`: the superuser still gets in (back-up), and a half-made database stays distinguishable.
 */
export async function pauseDatabase(admin: Admin, database: string): Promise<void> {
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      await checkWhole(session, database)
      await session.run(sql`alter database ${sql.ident(database)} connection limit 0`)
      await endSessions(session, database)
    }),
  )
}

/** Of a database that refuses new ones already. */
export async function endSessions(session: AdminSession, database: string): Promise<void> {
  // A session that was signing in when the limit was set may still appear: two empty looks in a row.
  for (let quiet = 0; quiet < 2;) {
    const ended = await session.many(sql`
      select pg_terminate_backend(pid, 1000) from pg_stat_activity
      where datname = ${database} and backend_type in ('client backend', 'walsender')
        and usesysid in (select oid from pg_roles where not rolsuper)
    `)
    quiet = ended.length === 0 ? quiet + 1 : 0
    if (quiet < 2) await sleep(20)
  }
}

export async function resumeDatabase(admin: Admin, database: string): Promise<void> {
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', async () => {
      await checkWhole(session, database)
      await session.run(sql`alter database ${sql.ident(database)} connection limit ${openConnectionLimit}`)
    }),
  )
}

/** Throws `not_found` unless there is such a database, open or paused. */
export async function checkWhole(session: AdminSession, database: string): Promise<void> {
  const state = await findState(session, database)
  if (state.database === 'absent' || state.database === 'half_made')
    throw new TenancyError('not_found', `there is no database ${database}`)
}
