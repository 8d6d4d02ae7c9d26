import { quoteLiteral, type Step } from '@favo/postgres'
import { encodeArray } from './parameters.ts'
import { plainStep } from './run-owner-sql.ts'

/**
 * The two tables in which Supabase's CLI remembers what it applied, in its own form (pkg/migration/history.go of
 * supabase/cli, 2.99 and 3.1), so that it and Favo can take turns.
 */

/** One push at a time: the second waits, and then finds what the first has applied. */
const takeTurns = plainStep(
  "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('supabase_migrations'))",
)

/** Idempotent; part of the migration's own transaction, so that a failed first one leaves not even the table. */
export const prepareMigrations: readonly Step[] = [
  takeTurns,
  plainStep('create schema if not exists supabase_migrations'),
  plainStep(
    'create table if not exists supabase_migrations.schema_migrations (version text not null primary key, statements text[], name text)',
  ),
  // Tables of old versions of that CLI have the version alone.
  plainStep('alter table supabase_migrations.schema_migrations add column if not exists statements text[]'),
  plainStep('alter table supabase_migrations.schema_migrations add column if not exists name text'),
]

export const prepareSeeds: readonly Step[] = [
  takeTurns,
  plainStep('create schema if not exists supabase_migrations'),
  plainStep(
    'create table if not exists supabase_migrations.seed_files (path text not null primary key, hash text not null)',
  ),
  // Ours: branches are filled with what their project was seeded with.
  plainStep('alter table supabase_migrations.seed_files add column if not exists content text'),
  plainStep('alter table supabase_migrations.seed_files add column if not exists applied_at timestamptz'),
]

/** Raised before a statement of an applied migration runs, under the name that the primary key's violation would have. */
export const refuseAppliedVersion = (version: string): Step =>
  plainStep(`do $favo$ begin
    if exists (select from supabase_migrations.schema_migrations where version = ${quoteLiteral(version)}) then
      raise unique_violation using message = 'already applied', constraint = 'schema_migrations_pkey',
        schema = 'supabase_migrations', table = 'schema_migrations';
    end if;
  end $favo$`)

export interface HistoryRow {
  readonly version: string
  readonly name: string
  readonly statements: readonly string[]
  /** SQL that undoes it, in a column that the hosted platform adds. */
  readonly rollback: readonly string[] | null
}

/** With `replace`, a row of that version is overwritten. */
export function recordMigration(row: HistoryRow, replace: boolean): readonly Step[] {
  const columns = ['version', 'name', 'statements', ...(row.rollback === null ? [] : ['rollback'])]
  const values = [
    row.version,
    row.name,
    encodeArray(row.statements),
    ...(row.rollback === null ? [] : [encodeArray(row.rollback)]),
  ]
  const insert: Step = {
    text: `insert into supabase_migrations.schema_migrations (${columns.join(', ')})
      values (${columns.map((_, i) => `$${i + 1}`).join(', ')})
      ${replace ? `on conflict (version) do update set ${columns.map((c) => `${c} = excluded.${c}`).join(', ')}` : ''}`,
    values,
    plan: null,
  }
  return row.rollback === null
    ? [insert]
    : [
        plainStep(
          'alter table supabase_migrations.schema_migrations add column if not exists rollback text[]',
        ),
        insert,
      ]
}

/** Without content only the hash is noted: the file has changed and was not run again. */
export const recordSeed = (path: string, hash: string, content: string | null): Step => ({
  text: `insert into supabase_migrations.seed_files as s (path, hash, content, applied_at)
      values ($1, $2, $3, pg_catalog.clock_timestamp())
    on conflict (path) do update set hash = excluded.hash, content = coalesce(excluded.content, s.content),
      applied_at = case when excluded.content is null then s.applied_at else excluded.applied_at end`,
  values: [path, hash, content],
  plan: null,
})
