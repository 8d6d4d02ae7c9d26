/**
 * Roles that every project has under their own name (packages/tenancy, sql/cluster/0001_labels.sql; a test compares them).
 * Any other name in a statement may be a role of the customer's own, which has another name in the cluster.
 */
export const labels: ReadonlySet<string> = new Set([
  'anon',
  'authenticated',
  'authenticator',
  'dashboard_user',
  'pgbouncer',
  'pgsodium_keyholder',
  'pgsodium_keyiduser',
  'pgsodium_keymaker',
  'postgres',
  'service_role',
  'supabase_admin',
  'supabase_auth_admin',
  'supabase_etl_admin',
  'supabase_functions_admin',
  'supabase_privileged_role',
  'supabase_read_only_user',
  'supabase_realtime_admin',
  'supabase_replication_admin',
  'supabase_storage_admin',
])

/** True for names that mean the same role in every database of the cluster. */
export const isSharedName = (name: string): boolean => labels.has(name) || name.startsWith('pg_')
