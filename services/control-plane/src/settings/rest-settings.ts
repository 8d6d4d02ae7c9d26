import type { PostgrestConfig, UpdatePostgrestBody } from '@favo/contracts'
import type { RestSettings } from '@favo/projects'
import { controlErrors } from '../errors.ts'

const splitNames = (list: string) =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

/** What the body says, by the names of `RestSettings`; what it leaves out is left out. */
export function readRest(body: UpdatePostgrestBody): Partial<RestSettings> {
  const schemas = body.db_schema === undefined ? undefined : splitNames(body.db_schema)
  if (schemas?.length === 0) throw controlErrors.invalid('db_schema must name at least one schema.')
  const patch: { [Name in keyof RestSettings]?: RestSettings[Name] | undefined } = {
    schemas,
    extraSearchPath:
      body.db_extra_search_path === undefined ? undefined : splitNames(body.db_extra_search_path),
    poolSize: body.db_pool,
    maxRows: body.max_rows === 0 ? null : body.max_rows,
    aggregatesEnabled: body.db_aggregates_enabled,
    planEnabled: body.db_plan_enabled,
    txEnd: body.db_tx_end,
    preRequest: body.db_pre_request === '' ? null : body.db_pre_request,
    openApiMode: body.openapi_mode,
  }
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

export const renderRest = (rest: RestSettings): PostgrestConfig => ({
  db_schema: rest.schemas.join(', '),
  max_rows: rest.maxRows ?? 0,
  db_extra_search_path: rest.extraSearchPath.join(', '),
  db_pool: rest.poolSize ?? null,
  db_pool_acquisition_timeout: null,
  db_pool_max_lifetime: null,
  db_pool_max_idletime: null,
  db_aggregates_enabled: rest.aggregatesEnabled ?? false,
  db_plan_enabled: rest.planEnabled ?? false,
  db_tx_end: rest.txEnd ?? 'commit',
  db_pre_request: rest.preRequest ?? null,
  openapi_mode: rest.openApiMode ?? 'follow-privileges',
})
