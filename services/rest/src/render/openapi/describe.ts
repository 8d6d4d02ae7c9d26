import type { RequestContext } from '@favo/http'
import type { StepResult } from '@favo/postgres'
import { requestErrors } from '../../errors/request-errors.ts'
import { preRequest, resultAt, runPipeline, type Execution } from '../../execute/execute.ts'
import { mediaTypeName } from '../../parse/media-type.ts'
import type { Snapshot } from '../../schema-cache/load.ts'
import type { Routine, Table } from '../../schema-cache/types.ts'
import type { Timing } from '../../timing.ts'
import type { Answer } from '../response.ts'
import { profileHeader } from '../statement.ts'
import { buildDocument, type Address } from './document.ts'

/** What the caller may touch; names for tables, oids for functions. */
const accessQuery = `
  select
    (select coalesce(json_agg(rel.relname), '[]')
      from pg_catalog.pg_class rel
      where rel.relnamespace = $1::regnamespace and rel.relkind in ('r', 'v', 'm', 'f', 'p')
        and (pg_catalog.pg_has_role(rel.relowner, 'usage')
          or pg_catalog.has_table_privilege(
            rel.oid, 'select, insert, update, delete, truncate, references, trigger')
          or pg_catalog.has_any_column_privilege(rel.oid, 'select, insert, update, references'))),
    (select coalesce(json_agg(proc.oid::int8), '[]')
      from pg_catalog.pg_proc proc
      where proc.pronamespace = $1::regnamespace and proc.prokind = 'f'
        and pg_catalog.has_function_privilege(proc.oid, 'execute')),
    pg_catalog.obj_description($1::regnamespace, 'pg_namespace')`

/** The OpenAPI 2 description at the root: of what the caller may use, or of everything where the project says so. */
export async function describeSchema(
  ctx: RequestContext,
  { schema: cache, settings }: Snapshot,
  run: Execution,
  timing: Timing,
): Promise<Answer> {
  const { request } = run
  const { schema } = request
  if (!request.accept.some((t) => t.kind === 'openapi' || t.kind === 'json' || t.kind === 'any'))
    throw requestErrors.mediaType(request.accept.map(mediaTypeName))
  timing.end('plan')
  const steps = [
    ...preRequest(run),
    { text: accessQuery, values: [`"${schema.replaceAll('"', '""')}"`], plan: run.caller.role },
  ]
  const access = readAccess(
    resultAt(await runPipeline(ctx.db, run, null, { steps, isRead: true }), steps.length - 1),
  )
  timing.end('transaction')

  const followsPrivileges = settings.openApiMode === 'follow-privileges'
  const tables: Table[] = [...cache.tables.values()].filter(
    (t) => t.schema === schema && (!followsPrivileges || access.tables.has(t.name)),
  )
  const routines: Routine[] = [...cache.routines.values()]
    .flat()
    .filter((r) => r.schema === schema && (!followsPrivileges || access.routines.has(r.id)))
  const isHead = request.action.kind === 'describe' && request.action.isHead
  const body = Buffer.from(
    JSON.stringify(
      buildDocument(
        { tables, routines, relationships: cache.relationships, description: access.description },
        addressOf(settings.openApiServerUri ?? `${ctx.baseUrl}/rest/v1/`),
        settings.openApiSecurityActive,
      ),
    ),
  )
  return {
    status: 200,
    statusText: null,
    headers: [
      ['Content-Type', 'application/openapi+json; charset=utf-8'],
      ...(isHead ? [] : [['Content-Length', String(body.length)] as const]),
      ...profileHeader(request),
    ],
    body: isHead ? null : body,
  }
}

function readAccess({ rows }: StepResult) {
  const [tables, routines, description] = rows[0] ?? []
  const list = (cell: Buffer | null | undefined) => JSON.parse(cell?.toString('utf8') ?? '[]') as unknown[]
  return {
    tables: new Set(list(tables) as string[]),
    routines: new Set(list(routines) as number[]),
    description: description?.toString('utf8') ?? null,
  }
}

function addressOf(uri: string): Address {
  const url = new URL(uri)
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? (scheme === 'https' ? '443' : '80') : url.port
  return { scheme, host: `${url.hostname}:${port}`, basePath: url.pathname === '' ? '/' : url.pathname }
}
