import { sql } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { Admin, AdminSession } from './admin.ts'
import { restoreSettings } from './restore-settings.ts'
import { createTransactionMeter, type TransactionUse } from './transaction-meter.ts'

export type { TransactionUse } from './transaction-meter.ts'

/** When a tenant's session is ended. All of these are things that Postgres lets a user do to a whole cluster. */
export interface WatchdogThresholds {
  /** A transaction this old holds back vacuum of the shared catalogs, and transaction ids. */
  readonly transactionAgeMs: number
  readonly idleInTransactionMs: number
  /** Of a session; its database may have twice as many. The lock table is shared: when it is full, nobody gets a lock. */
  readonly locksMax: number
  /** How long a statement of the platform may wait for a lock that a tenant holds. */
  readonly blockingMs: number
  /** The NOTIFY queue is shared: a listener in an open transaction keeps it from being emptied. Share of it, 0 to 1 … */
  readonly notifyQueueShare: number
  /** … from which on sessions idle in a transaction for this long are ended. */
  readonly notifyPinMs: number
  /** Above this, cluster-wide, a warning names the databases that use them; 2^31 in all force a standstill. */
  readonly transactionIdsPerSecond: number
  /** Age of the oldest database from which on there is a warning; forced vacuum of everything starts at 200 million. */
  readonly oldestDatabaseAge: number
}

const defaultThresholds: WatchdogThresholds = {
  transactionAgeMs: 60 * 60_000,
  idleInTransactionMs: 10 * 60_000,
  locksMax: 5_000,
  blockingMs: 1_000,
  notifyQueueShare: 0.1,
  notifyPinMs: 5_000,
  transactionIdsPerSecond: 50_000,
  oldestDatabaseAge: 150_000_000,
}

export interface WatchdogOptions {
  readonly intervalMs?: number
  /** How often settings and passwords that tenants wrote to shared or platform roles are put right. */
  readonly settingsIntervalMs?: number
  readonly thresholds?: Partial<WatchdogThresholds>
}

export interface EndedSession {
  readonly pid: number
  readonly database: string
  readonly login: string
  readonly reason: string
}

export interface Watchdog {
  /** One round, now. What the timer does; concurrent calls share a round. */
  check(): Promise<readonly EndedSession[]>
  /** Transaction ids used between the last two rounds. Null before the second. */
  transactionUse(): TransactionUse | null
  stop(): Promise<void>
}

/** Works in the maintenance database only, where no customer has been. */
export function startWatchdog(admin: Admin, log: Logger, options: WatchdogOptions = {}): Watchdog {
  const { intervalMs = 5_000, settingsIntervalMs = 60_000 } = options
  const thresholds = { ...defaultThresholds, ...options.thresholds }
  const guard = createGuard(admin, thresholds)
  const meter = createTransactionMeter()
  let round: Promise<readonly EndedSession[]> | null = null
  let settingsCheckedAt = 0

  const work = async (): Promise<readonly EndedSession[]> => {
    const ended = await guard.endHarmfulSessions()
    for (const end of ended) log.warn({ ...end }, 'ended a session that harmed other tenants')
    await admin.session(async (session) => {
      warnOfTransactionUse(await meter.sample(session), thresholds, log)
      if (Date.now() - settingsCheckedAt < settingsIntervalMs) return
      settingsCheckedAt = Date.now()
      for (const change of await restoreSettings(session))
        log.warn({ change }, 'put a role right that a tenant had changed')
    })
    return ended
  }
  const check = () => (round ??= work().finally(() => (round = null)))

  const look = () => {
    check().catch((error: unknown) => log.warn({ error }, 'the watchdog could not look'))
  }
  look() // at once, because the first look is the one that needs new locks
  const timer = setInterval(look, intervalMs)
  timer.unref()
  return {
    check,
    transactionUse: () => meter.latest(),
    stop: async () => {
      clearInterval(timer)
      await round?.catch(() => {})
      await guard.close()
    },
  }
}

/**
 * Looks in one transaction that stays open from round to round. When a tenant has filled the lock table, nothing can take a
 * lock on a shared catalog any more, nor sign in; but this transaction has held all its locks since its first look. It has
 * no id and, between statements, no snapshot, so it holds back nothing.
 */
function createGuard(admin: Admin, thresholds: WatchdogThresholds) {
  let held: Awaited<ReturnType<Admin['open']>> | null = null
  const release = async () => {
    const session = held
    held = null
    await session?.close()
  }
  return {
    endHarmfulSessions: async (): Promise<EndedSession[]> => {
      try {
        if (held === null) {
          held = await admin.open()
          await held.run(sql`set idle_in_transaction_session_timeout = 0`)
          await held.run(sql`begin isolation level read committed`)
        }
        return await endHarmfulSessions(held, thresholds)
      } catch (error) {
        await release()
        throw error
      }
    },
    close: release,
  }
}

async function endHarmfulSessions(
  session: AdminSession,
  thresholds: WatchdogThresholds,
): Promise<EndedSession[]> {
  // Each round, also when nobody is to blame: asking is what makes Postgres drop what all listeners have read. When the
  // queue was full nothing else would, because only a notification that succeeds does it too.
  // And the list of sessions is a transaction's first look at it, unless told otherwise.
  const [queue] = await session.many<{ usage: number }>(
    sql`select pg_notification_queue_usage() as usage, pg_stat_clear_snapshot()`,
  )
  return session.many<EndedSession>(sql`
    with tenant_sessions as (
      select * from pg_stat_activity where starts_with(usename::text, 'p_')
    ), held_locks as (
      select pid, datname, count(*) as locks, sum(count(*)) over (partition by datname) as of_database
      from pg_locks join tenant_sessions using (pid)
      group by pid, datname
    ), harmful (pid, reason) as (
      select pid, 'transaction too old' from tenant_sessions
      where xact_start < clock_timestamp() - make_interval(secs => ${thresholds.transactionAgeMs} / 1000.0)
      union all
      select pid, 'idle in transaction' from tenant_sessions
      where starts_with(state, 'idle in transaction')
        and state_change < clock_timestamp() - make_interval(secs => ${thresholds.idleInTransactionMs} / 1000.0)
      union all
      -- Many sessions with some locks each do the same as one with many.
      select pid, 'too many locks' from held_locks
      where locks > ${thresholds.locksMax}::int
        or (of_database > 2 * ${thresholds.locksMax}::int and locks > ${thresholds.locksMax}::int / 20)
      union all
      -- Only where the platform waits: pg_blocking_pids stops the lock manager for a moment.
      select unnest(pg_blocking_pids(waiting.pid)), 'blocks the platform' from pg_locks waiting
      where not waiting.granted
        and waiting.waitstart < clock_timestamp() - make_interval(secs => ${thresholds.blockingMs} / 1000.0)
        and waiting.pid in (select pid from pg_stat_activity join pg_roles on pg_roles.oid = usesysid where rolsuper)
      union all
      select pid, 'keeps the notification queue full' from tenant_sessions
      where ${queue?.usage ?? 0}::float8 > ${thresholds.notifyQueueShare}::float8
        and starts_with(state, 'idle in transaction')
        and xact_start < clock_timestamp() - make_interval(secs => ${thresholds.notifyPinMs} / 1000.0)
    )
    select pid, datname as database, usename as login, string_agg(distinct reason, ', ') as reason
    from harmful join tenant_sessions using (pid)
    group by pid, datname, usename
    having pg_terminate_backend(pid)
  `)
}

function warnOfTransactionUse(use: TransactionUse | null, thresholds: WatchdogThresholds, log: Logger): void {
  if (use === null) return
  if (use.idsPerSecond > thresholds.transactionIdsPerSecond)
    log.warn(
      { idsPerSecond: Math.round(use.idsPerSecond), databases: use.databases.slice(0, 3) },
      'transaction ids are used up fast',
    )
  if (use.oldestDatabaseAge > thresholds.oldestDatabaseAge)
    log.warn({ age: use.oldestDatabaseAge }, 'the oldest database is due for vacuum against wraparound')
}
