import { ApplyMigrationBody, type Migration } from '@favo/contracts'
import type { ControlContext } from '../context.ts'
import { ControlError } from '../errors.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { prepareMigrations, recordMigration, refuseAppliedVersion } from './history.ts'
import { rowsToJson } from './json-cells.ts'
import { MIGRATION_DEADLINE_MS, SQL_BODY_LIMIT_BYTES } from './limits.ts'
import { readHistory } from './read-history.ts'
import { runOwnerSql, splitOwnerSql } from './run-owner-sql.ts'
import { unwrapTransaction } from './statement-kind.ts'

export const migrationRoutes: readonly Route[] = [
  route({
    operation: 'migrations.list',
    method: 'GET',
    path: '/projects/:ref/database/migrations',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    handle: async (ctx, { params }): Promise<Migration[]> => {
      const row = await getActiveProject(ctx, params.ref)
      // By way of jsonb, because tables of old versions of the CLI have no column `name`.
      const result = await readHistory(
        ctx,
        row.database,
        "select version, to_jsonb(m) ->> 'name' as name from supabase_migrations.schema_migrations m order by version",
      )
      if (result === null) return []
      return rowsToJson(result).map(({ version, name }) => ({
        version: String(version),
        ...(typeof name === 'string' && name !== '' ? { name } : {}),
      }))
    },
  }),
  route({
    operation: 'migrations.apply',
    method: 'POST',
    path: '/projects/:ref/database/migrations',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    body: ApplyMigrationBody,
    bodyLimitBytes: SQL_BODY_LIMIT_BYTES,
    handle: (ctx, { params, body }) => saveMigration(ctx, params.ref, body, 'apply'),
  }),
  route({
    operation: 'migrations.upsert',
    method: 'PUT',
    path: '/projects/:ref/database/migrations',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    body: ApplyMigrationBody,
    bodyLimitBytes: SQL_BODY_LIMIT_BYTES,
    // Only the history: as in the Management API, for a schema that got there in another way.
    handle: (ctx, { params, body }) => saveMigration(ctx, params.ref, body, 'record'),
  }),
]

async function saveMigration(
  ctx: ControlContext,
  ref: string | undefined,
  body: ApplyMigrationBody,
  mode: 'apply' | 'record',
): Promise<Migration> {
  const project = await getActiveProject(ctx, ref)
  const statements = await splitOwnerSql(body.query)
  const name = body.name ?? ''
  const rollback =
    body.rollback === undefined ? null : (await splitOwnerSql(body.rollback)).map(({ text }) => text)
  for (let at = ctx.clock(), attempt = 0; ; at = new Date(at.getTime() + 1_000), attempt++) {
    const version = body.version ?? versionOf(at)
    const row = { version, name, statements: statements.map(({ text }) => text), rollback }
    try {
      await runOwnerSql(ctx, project.database, {
        source: body.query,
        statements: mode === 'apply' ? unwrapTransaction(statements) : [],
        before: [...prepareMigrations, ...(mode === 'apply' ? [refuseAppliedVersion(version)] : [])],
        after: recordMigration(row, mode === 'record'),
        deadlineMs: MIGRATION_DEADLINE_MS,
      })
      return { version, ...(name === '' ? {} : { name }) }
    } catch (error) {
      if (!isTaken(error)) throw error
      if (body.version !== undefined)
        throw new ControlError(409, 'migration_applied', `The migration ${version} is applied already.`)
      // Two within a second: the later one gets the next second, as its time of day is only a name.
      if (attempt >= 60) throw error
    }
  }
}

/** Raised by the platform's own step, not by a statement of the migration. */
const isTaken = (error: unknown): boolean =>
  error instanceof ControlError && error.code === '23505' && error.sql?.statement === null

/** `YYYYMMDDHHMMSS` in UTC, 14 digits as Supabase's CLI makes them. */
const versionOf = (time: Date): string => time.toISOString().replace(/[-:T]/g, '').slice(0, 14)
