import { sql } from '@favo/postgres'
import type { Admin, AdminSession } from './admin.ts'
import { databaseLock, withLock } from './locks.ts'

/** Ends all sessions, removes database and roles. Succeeds when there is nothing (left) to remove. */
export async function dropDatabase(admin: Admin, database: string): Promise<void> {
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', () => dropEverything(session, database)),
  )
}

/** The caller holds the database's lock. */
export async function dropEverything(session: AdminSession, database: string): Promise<void> {
  const db = sql.ident(database)
  const [found] = await session.many(sql`select from pg_database where datname = ${database}`)
  if (found !== undefined) {
    // Closed first, or clients that reconnect at once could keep DROP DATABASE from finishing. An interrupted DROP leaves
    // a database that refuses ALTER and can only be dropped.
    await session.run(sql`
      do $$
      begin
        if exists (select from pg_database where datname = ${sql.literal(database)} and datconnlimit <> -2) then
          alter database ${db} allow_connections false;
        end if;
        perform pg_terminate_backend(active_pid, 5000) from pg_replication_slots
        where database = ${sql.literal(database)} and active_pid is not null;
        perform pg_drop_replication_slot(slot_name) from pg_replication_slots where database = ${sql.literal(database)};
      end
      $$
    `)
    await session.run(sql`drop database if exists ${db} with (force)`)
  }
  const roles = await session.many<{ rolname: string }>(sql`
    select rolname from pg_roles
    where rolname = ${database} or starts_with(rolname::text, ${`${database}_`})
  `)
  if (roles.length > 0)
    await session.run(
      sql`drop role if exists ${sql.join(
        roles.map(({ rolname }) => sql.ident(rolname)),
        ', ',
      )}`,
    )
}
