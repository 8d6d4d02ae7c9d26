import { sql } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { Admin, AdminSession } from './admin.ts'
import { maintenanceDatabase } from './names.ts'

export interface VacuumOptions {
  readonly intervalMs?: number
  /** Rows written to a database since it was last looked into, from which on it is looked into again. */
  readonly writesMin?: number
}

export interface Vacuum {
  /** One round, now; resolves with the tables that were vacuumed or analyzed, as `database.schema.table`. */
  check(): Promise<readonly string[]>
  stop(): Promise<void>
}

/**
 * With thousands of databases autovacuum's rounds cost more than they bring, so they are rare, and databases that were
 * written to are found here by their statistics. An idle database is never opened.
 */
export function startVacuum(admin: Admin, log: Logger, options: VacuumOptions = {}): Vacuum {
  const { intervalMs = 60_000, writesMin = 5_000 } = options
  /** Rows ever written to a database, as of our last look into it. */
  const seen = new Map<string, number>()
  let isFirst = true
  let isStopping = false
  let round: Promise<readonly string[]> | null = null

  const work = async (): Promise<readonly string[]> => {
    const writes = await admin.session(readWrites)
    for (const database of seen.keys()) if (!writes.has(database)) seen.delete(database)
    const done = await admin.session((session) => vacuumTables(session, maintenanceDatabase, log))
    for (const [database, count] of writes) {
      const last = seen.get(database)
      if (isStopping) break
      // What was written before the platform started is left to autovacuum: a restart must not open every database.
      if (last === undefined && isFirst) seen.set(database, count)
      else if (count - (last ?? 0) >= writesMin || count < (last ?? 0)) {
        seen.set(database, count)
        try {
          done.push(...(await admin.inDatabase(database, (inside) => vacuumTables(inside, database, log))))
        } catch (error) {
          // Dropped meanwhile, or Postgres restarts.
          log.warn({ error, database }, 'a database could not be vacuumed')
        }
      }
    }
    isFirst = false
    return done
  }
  const check = () => (round ??= work().finally(() => (round = null)))
  const timer = setInterval(() => {
    check().catch((error: unknown) => log.warn({ error }, 'could not look for databases to vacuum'))
  }, intervalMs)
  timer.unref()
  return {
    check,
    stop: async () => {
      isStopping = true
      clearInterval(timer)
      await round?.catch(() => {})
    },
  }
}

async function readWrites(session: AdminSession): Promise<Map<string, number>> {
  const rows = await session.many<{ database: string; writes: string }>(sql`
    select datname as database, tup_inserted + tup_updated + tup_deleted as writes
    from pg_stat_database join pg_database using (datname)
    where datname ~ '^p_[a-z0-9]+$' and datallowconn
  `)
  return new Map(rows.map(({ database, writes }) => [database, Number(writes)]))
}

interface DueTable {
  readonly schema: string
  readonly name: string
  readonly needs_vacuum: boolean
  readonly needs_analyze: boolean
}

/**
 * Autovacuum's own formula, catalogs included; the shared ones only in the maintenance database. Postgres evaluates
 * customers' index expressions as the table's owner in a restricted mode, so no code of theirs gets the superuser's rights.
 */
async function vacuumTables(session: AdminSession, database: string, log: Logger): Promise<string[]> {
  const due = await session.many<DueTable>(sql`
    select * from (
      select
        stat.schemaname as schema,
        stat.relname as name,
        n_dead_tup > 50 + 0.2 * greatest(reltuples, 0)
          or n_ins_since_vacuum > 1000 + 0.2 * greatest(reltuples, 0) as needs_vacuum,
        n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0) as needs_analyze
      from pg_stat_all_tables stat join pg_class on pg_class.oid = stat.relid
      where relkind in ('r', 'm') and relpersistence = 'p' and schemaname <> 'pg_toast'
        and relisshared = (current_database() = ${maintenanceDatabase})
        -- As autovacuum does, leave alone what its owner wants left alone.
        and not exists (
          select from pg_options_to_table(reloptions)
          where option_name = 'autovacuum_enabled' and not option_value::boolean
        )
    ) tables
    where needs_vacuum or needs_analyze
  `)
  if (due.length === 0) return []
  await session.run(sql`set vacuum_cost_delay = '2ms'; set statement_timeout = '10min'`)
  const done: string[] = []
  try {
    for (const table of due) {
      const name = sql.ident(table.schema, table.name)
      try {
        // Never waits behind a customer's lock; the next round comes by again.
        if (table.needs_vacuum)
          await session.run(
            table.needs_analyze
              ? sql`vacuum (skip_locked, analyze) ${name}`
              : sql`vacuum (skip_locked) ${name}`,
          )
        else await session.run(sql`analyze (skip_locked) ${name}`)
        done.push(`${database}.${table.schema}.${table.name}`)
      } catch (error) {
        // An index expression of the customer's may fail, or the table is gone.
        log.debug({ error, database }, 'a table could not be vacuumed')
      }
    }
  } finally {
    // A pooled session is used for other things afterwards.
    await session.run(sql`reset vacuum_cost_delay; reset statement_timeout`)
  }
  return done
}
