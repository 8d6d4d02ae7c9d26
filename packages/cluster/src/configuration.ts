import { totalmem } from 'node:os'

export interface ConfigurationOptions {
  readonly port: number
  readonly socketDirectory: string
  readonly maxConnections: number
  /** Later lines win, so these override ours. For tests (`fsync`) and operators. */
  readonly overrides: Readonly<Record<string, string>>
}

/** `postgresql.conf`, tuned for thousands of small databases in one cluster. Written anew at every start. */
export function renderConfiguration(options: ConfigurationOptions): string {
  const memoryMb = totalmem() / 2 ** 20
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1', // public connections go through Favo's own gateway
    port: String(options.port),
    unix_socket_directories: options.socketDirectory,
    unix_socket_permissions: '0700',
    max_connections: String(options.maxConnections),
    superuser_reserved_connections: '10', // the platform must get in when tenants have used up the rest
    // Kept for the platform's own logins: direct connections of tenants must not starve the pools.
    reserved_connections: String(Math.round(options.maxConnections * 0.4)),
    password_encryption: 'scram-sha-256',
    authentication_timeout: '10s',
    // A sixteenth of the memory, 512 MB at most: the rest is better used by the system's cache and by what else runs here.
    shared_buffers: `${Math.round(Math.min(Math.max(memoryMb / 16, 128), 512))}MB`,
    max_locks_per_transaction: '512', // the lock table is shared by all tenants
    max_prepared_transactions: '0',
    wal_level: 'logical', // realtime; changing it needs a restart
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    // As on Supabase: full-text search without a configuration stems English words, EXPLAIN tells the query's id.
    default_text_search_config: 'pg_catalog.english',
    compute_query_id: 'on',
    autovacuum_naptime: '30min', // each round visits every touched database; busy ones are vacuumed by our own schedule
    // After a crash: one sync of the file system instead of opening each of 456 files per database.
    ...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
    log_destination: 'stderr',
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgresql-%a.log', // one file a weekday, overwritten a week later
    log_truncate_on_rotation: 'on',
    log_rotation_size: '0',
    log_file_mode: '0600',
    log_statement: 'none', // statements may hold secrets
    log_min_duration_statement: '-1',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    event_triggers: 'on',
    ...options.overrides,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
  return `# Written by Favo at every start; changes made here are lost.\n${lines.join('\n')}\n`
}

/**
 * `pg_hba.conf`, whole: the superuser, and logins that are members of the role named like the database. Everybody else
 * gets the same refusal for databases that exist and for those that do not. No line for physical replication.
 */
export const hostBasedAuthentication = `# Written by Favo at every start; changes made here are lost.
local  all       favo_admin                scram-sha-256
local  samerole  all                       scram-sha-256
host   all       favo_admin  127.0.0.1/32  scram-sha-256
host   samerole  all         127.0.0.1/32  scram-sha-256
`
