import { MigrationDetails, MigrationVersion, PatchMigrationBody, RollbackQuery } from '@favo/contracts'
import type { Step } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { ControlError } from '../errors.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { prepareMigrations } from './history.ts'
import { rowsToJson } from './json-cells.ts'
import { MIGRATION_DEADLINE_MS } from './limits.ts'
import { encodeArray } from './parameters.ts'
import { readHistory } from './read-history.ts'
import { plainStep, runOwnerSql, splitOwnerSql } from './run-owner-sql.ts'
import { unwrapTransaction } from './statement-kind.ts'

const notFound = () => new ControlError(404, 'migration_not_found', 'There is no such migration.')

/** One migration of the history, and the way back. */
export const singleMigrationRoutes: readonly Route[] = [
  route({
    operation: 'migrations.get',
    method: 'GET',
    path: '/projects/:ref/database/migrations/:version',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'A migration with its statements.',
    response: MigrationDetails,
    handle: async (ctx, { params }): Promise<MigrationDetails> => {
      const { database } = await getActiveProject(ctx, params.ref)
      const version = readVersion(params.version)
      const found = (await loadHistory(ctx, database)).find((row) => row.version === version)
      if (found === undefined) throw notFound()
      return found
    },
  }),
  route({
    operation: 'migrations.patch',
    method: 'PATCH',
    path: '/projects/:ref/database/migrations/:version',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    summary: 'Changes a migration’s name, or the SQL that would undo it.',
    body: PatchMigrationBody,
    response: MigrationDetails,
    handle: async (ctx, { params, body }): Promise<MigrationDetails> => {
      const { database } = await getActiveProject(ctx, params.ref)
      const version = readVersion(params.version)
      const rollback =
        body.rollback === undefined
          ? null
          : encodeArray((await splitOwnerSql(body.rollback)).map(({ text }) => text))
      const [updated] = await runOwnerSql(ctx, database, {
        source: '',
        statements: [],
        before: [...prepareMigrations, addRollback],
        steps: [
          {
            text: `update supabase_migrations.schema_migrations
              set name = coalesce($2, name), rollback = coalesce($3::text[], rollback) where version = $1`,
            values: [version, body.name ?? null, rollback],
            plan: null,
          },
        ],
        deadlineMs: 30_000,
      })
      if (updated?.tag !== 'UPDATE 1') throw notFound()
      const found = (await loadHistory(ctx, database)).find((row) => row.version === version)
      if (found === undefined) throw notFound()
      return found
    },
  }),
  route({
    operation: 'migrations.roll_back',
    method: 'DELETE',
    path: '/projects/:ref/database/migrations',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    summary:
      'Undoes migrations from a version on, the latest first, by the SQL that was kept with each; all or none.',
    query: RollbackQuery,
    handle: async (ctx, { params, query }) => {
      const { database } = await getActiveProject(ctx, params.ref)
      const undone = (await loadHistory(ctx, database))
        .filter(({ version }) => BigInt(version) >= BigInt(query.gte))
        .sort((a, b) => (BigInt(a.version) < BigInt(b.version) ? 1 : -1))
      const stuck = undone.find(({ rollback }) => rollback === undefined || rollback.length === 0)
      if (stuck !== undefined)
        throw new ControlError(
          409,
          'no_rollback',
          `The migration ${stuck.version} has no SQL that undoes it, so nothing was rolled back.`,
        )
      const source = undone.flatMap(({ rollback }) => rollback ?? []).join(';\n')
      await runOwnerSql(ctx, database, {
        source,
        statements: unwrapTransaction(await splitOwnerSql(source)),
        before: prepareMigrations,
        after: undone.map(({ version }) => forget(version)),
        deadlineMs: MIGRATION_DEADLINE_MS,
      })
    },
  }),
]

const addRollback = plainStep(
  'alter table supabase_migrations.schema_migrations add column if not exists rollback text[]',
)

const forget = (version: string): Step => ({
  text: 'delete from supabase_migrations.schema_migrations where version = $1',
  values: [version],
  plan: null,
})

function readVersion(text: string | undefined): string {
  const version = MigrationVersion.safeParse(text)
  if (!version.success) throw notFound()
  return version.data
}

/** By way of jsonb, because tables of old versions of the CLI have fewer columns. */
async function loadHistory(ctx: ControlContext, database: string): Promise<MigrationDetails[]> {
  const result = await readHistory(
    ctx,
    database,
    'select m.version, to_jsonb(m) as details from supabase_migrations.schema_migrations m order by m.version',
  )
  return (result === null ? [] : rowsToJson(result)).flatMap(({ version, details }) => {
    const { name, statements, rollback } = details as Record<string, unknown>
    // The table is the customer's: what else he put there is none of ours.
    if (typeof version !== 'string' || !/^[0-9]{1,32}$/.test(version)) return []
    return [
      {
        version,
        ...(typeof name === 'string' && name !== '' ? { name } : {}),
        ...(isTexts(statements) ? { statements } : {}),
        ...(isTexts(rollback) ? { rollback } : {}),
      },
    ]
  })
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((text) => typeof text === 'string')
