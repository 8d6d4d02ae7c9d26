import { QueryRows, RunQueryBody } from '@favo/contracts'
import type { PipelineResult } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { getActiveProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { rowsToJson } from './json-cells.ts'
import { SQL_BODY_LIMIT_BYTES } from './limits.ts'
import { encodeParameter } from './parameters.ts'
import { runOwnerSql, splitOwnerSql } from './run-owner-sql.ts'
import { isRunnable, transactionEffect } from './statement-kind.ts'

const DEADLINE_MS = 5 * 60_000

export const queryRoutes: readonly Route[] = [
  route({
    operation: 'database.query',
    method: 'POST',
    path: '/projects/:ref/database/query',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    status: 201,
    body: RunQueryBody,
    bodyLimitBytes: SQL_BODY_LIMIT_BYTES,
    handle: (ctx, { params, body }) => runQuery(ctx, params.ref, body),
  }),
  route({
    operation: 'database.query_read_only',
    method: 'POST',
    path: '/projects/:ref/database/query/read-only',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'The same with `read_only` said by the path.',
    status: 201,
    body: RunQueryBody,
    response: QueryRows,
    bodyLimitBytes: SQL_BODY_LIMIT_BYTES,
    handle: (ctx, { params, body }) => runQuery(ctx, params.ref, { ...body, read_only: true }),
  }),
]

async function runQuery(
  ctx: ControlContext,
  ref: string | undefined,
  body: RunQueryBody,
): Promise<QueryRows> {
  if (body.read_only === true) ctx.audit.skip()
  else ctx.require('developer', 'database:write')
  const row = await getActiveProject(ctx, ref)
  const statements = (await splitOwnerSql(body.query)).filter(isRunnable)
  const parameters = body.parameters ?? []
  if (parameters.length > 0 && statements.length !== 1)
    throw controlErrors.sqlRefused('Parameters need exactly one statement.')
  if (body.read_only === true && statements.some((statement) => transactionEffect(statement) !== null))
    throw controlErrors.sqlRefused('A read-only query cannot end or open transactions.')
  return lastRows(
    await runOwnerSql(ctx, row.database, {
      source: body.query,
      statements,
      steps: statements.map(({ text }) => ({
        text,
        values: parameters.map(encodeParameter),
        plan: null,
      })),
      readOnly: body.read_only === true,
      deadlineMs: DEADLINE_MS,
    }),
  )
}

/** Rows of the last statement that returns any; none when all only acted. */
function lastRows(results: PipelineResult): QueryRows {
  const last = results.findLast((result) => result.fields.length > 0)
  return last === undefined ? [] : rowsToJson(last)
}
