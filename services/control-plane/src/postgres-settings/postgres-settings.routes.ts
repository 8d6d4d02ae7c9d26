import { PostgresSettingsBody, type PostgresSettings } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import type { Platform } from '../platform.ts'
import { getActiveProject, getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { checkSetting, settingNames } from './known-settings.ts'

export const postgresSettingsRoutes: readonly Route[] = [
  route({
    operation: 'postgres_settings.get',
    method: 'GET',
    path: '/projects/:ref/config/database/postgres',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    handle: async (ctx, { params }) => loadPostgresSettings(ctx.db, (await getProject(ctx, params.ref)).ref),
  }),
  route({
    operation: 'postgres_settings.update',
    method: 'PUT',
    path: '/projects/:ref/config/database/postgres',
    permission: { scope: 'project', role: 'administrator', grant: 'database:write' },
    body: PostgresSettingsBody,
    handle: async (ctx, { params, body }): Promise<PostgresSettings> => {
      const row = await getActiveProject(ctx, params.ref)
      // It needs no restart: what is left out goes back to its default, and new sessions begin with the rest.
      const wanted = Object.entries(body).filter(
        (entry): entry is [string, string | number | boolean] =>
          entry[0] !== 'restart_database' && entry[1] !== null && entry[1] !== undefined,
      )
      const values = Object.fromEntries(wanted.map(([name, value]) => [name, checkSetting(name, value)]))
      const before = await loadPostgresSettings(ctx.db, row.ref)
      await applyPostgresSettings(ctx, row.database, values, before)
      const after = Object.fromEntries(wanted)
      await ctx.db.transaction(async (tx) => {
        await tx.run(sql`
          update control.project_settings set postgres = ${JSON.stringify(after)}::jsonb where ref = ${row.ref}`)
        ctx.audit.note({ before, after })
        await ctx.audit.write(tx)
      })
      return after
    },
  }),
]

/** What the project has chosen; the rest is at the platform's defaults. */
export async function loadPostgresSettings(db: Queryable, ref: string): Promise<PostgresSettings> {
  const { postgres } = await db.one<{ postgres: PostgresSettings }>(
    sql`select postgres from control.project_settings where ref = ${ref}`,
  )
  return postgres
}

/** Also ends the sessions that serve HTTP, when their work is done, so that requests come under the new settings. */
async function applyPostgresSettings(
  platform: Platform,
  database: string,
  values: Readonly<Record<string, string>>,
  before: PostgresSettings,
): Promise<void> {
  const changes = settingNames
    .filter((name) => name in values || name in before)
    .map((name) => [name, values[name] ?? null] as const)
  await platform.tenancy.setSettings(database, Object.fromEntries(changes))
  const release = await platform.pools.holdDatabase(database)
  release()
}
