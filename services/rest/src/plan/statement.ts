import { requestErrors } from '../errors/request-errors.ts'
import { noTable } from '../errors/schema-errors.ts'
import { nameKey, type Table } from '../schema-cache/types.ts'
import { findFunction, planCall } from './call.ts'
import { planWrite } from './mutate.ts'
import { negotiate } from './negotiate.ts'
import { planRead, type ReadContext } from './read.ts'
import type { FunctionPlan, MutationPlan, ReadPlan, StatementPlan } from './types.ts'

/**
 * Resolves a request for rows against the schema.
 *
 * @throws ApiError PGRST1xx and PGRST2xx; those that a fresher schema cache might mend say so
 */
export function planStatement(context: ReadContext): StatementPlan {
  const { action } = context.request
  switch (action.kind) {
    case 'read':
      return planTableRead(context, action.relation, action.isHead)
    case 'call':
      return planFunction(context, action.function, action.via)
    case 'insert':
    case 'update':
    case 'upsert':
    case 'delete':
      return planMutation(context, action.kind, action.relation)
    default:
      throw new Error(`${action.kind} reads no rows`)
  }
}

export function getTable({ cache, request }: ReadContext, name: string): Table {
  const qualified = { schema: request.schema, name }
  const table = cache.tables.get(nameKey(qualified))
  if (table === undefined) throw noTable(cache, qualified)
  return table
}

function planTableRead(context: ReadContext, name: string, isHead: boolean): ReadPlan {
  const { request, cache, settings } = context
  const table = getTable(context, name)
  const read = planRead(context, table, 'relation')
  const negotiated = negotiate(request, cache, table, read, settings.planEnabled)
  validatePreferences(context)
  return { kind: 'read', relation: table, isHead, read, ...negotiated }
}

function planMutation(
  context: ReadContext,
  kind: 'insert' | 'update' | 'upsert' | 'delete',
  name: string,
): MutationPlan {
  const { request, cache, settings } = context
  const table = getTable(context, name)
  const read = planRead(context, table, 'request')
  const write = planWrite(request, kind, table, read, cache)
  validatePreferences(context)
  const negotiated = negotiate(request, cache, table, read, settings.planEnabled)
  return { kind: 'mutation', relation: table, write, primaryKey: table.primaryKey, read, ...negotiated }
}

function planFunction(context: ReadContext, name: string, via: 'get' | 'head' | 'post'): FunctionPlan {
  const { request, cache, settings } = context
  const routine = findFunction(cache, request, { schema: request.schema, name }, via === 'post')
  const { returns } = routine
  // A function that returns rows of a table offers all that the table does.
  const rows = { schema: routine.schema, name: returns.isComposite ? returns.type.name : routine.name }
  const read = planRead(context, rows, 'request')
  const negotiated = negotiate(request, cache, rows, read, settings.planEnabled)
  validatePreferences(context)
  const { handling, maxAffected } = request.preferences
  if (handling === 'strict' && maxAffected !== null && !returns.isSet) throw requestErrors.maxAffectedRpc()
  return {
    kind: 'function',
    call: planCall(request, routine, read),
    isHead: via === 'head',
    read,
    ...negotiated,
  }
}

function validatePreferences({ request: { preferences } }: ReadContext): void {
  if (preferences.handling === 'strict' && preferences.invalid.length > 0)
    throw requestErrors.preferences(preferences.invalid)
}
