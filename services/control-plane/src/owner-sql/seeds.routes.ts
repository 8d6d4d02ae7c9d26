import { ApplySeedBody, type Seed } from '@favo/contracts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { prepareSeeds, recordSeed } from './history.ts'
import { rowsToJson } from './json-cells.ts'
import { MIGRATION_DEADLINE_MS, SQL_BODY_LIMIT_BYTES } from './limits.ts'
import { readHistory } from './read-history.ts'
import { runOwnerSql, splitOwnerSql } from './run-owner-sql.ts'
import { unwrapTransaction } from './statement-kind.ts'

/** Ours: what Supabase's CLI does over a Postgres connection. */
export const seedRoutes: readonly Route[] = [
  route({
    operation: 'seeds.list',
    method: 'GET',
    path: '/projects/:ref/database/seeds',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    handle: async (ctx, { params }): Promise<Seed[]> => {
      const row = await getActiveProject(ctx, params.ref)
      const result = await readHistory(
        ctx,
        row.database,
        'select path, hash from supabase_migrations.seed_files order by path',
      )
      if (result === null) return []
      return rowsToJson(result).map(({ path, hash }) => ({ path: String(path), hash: String(hash) }))
    },
  }),
  route({
    operation: 'seeds.apply',
    method: 'PUT',
    path: '/projects/:ref/database/seeds',
    permission: { scope: 'project', role: 'developer', grant: 'database:write' },
    body: ApplySeedBody,
    bodyLimitBytes: SQL_BODY_LIMIT_BYTES,
    handle: async (ctx, { params, body }): Promise<Seed> => {
      const row = await getActiveProject(ctx, params.ref)
      const source = body.query ?? ''
      await runOwnerSql(ctx, row.database, {
        source,
        statements: unwrapTransaction(await splitOwnerSql(source)),
        before: prepareSeeds,
        after: [recordSeed(body.path, body.hash, body.query ?? null)],
        deadlineMs: MIGRATION_DEADLINE_MS,
      })
      return { path: body.path, hash: body.hash }
    },
  }),
]
