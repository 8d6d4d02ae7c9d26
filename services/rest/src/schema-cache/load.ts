import { DatabaseError, type PipelineResult, type ProjectDb, type Step } from '@favo/postgres'
import { guardOf } from '../errors/guard.ts'
import { schemaTooLarge } from '../errors/schema-errors.ts'
import type { RestSettings } from '@favo/projects'
import { resolveSettings, type RoleSetting, type Settings } from '../settings.ts'
import * as catalog from './catalog.sql.ts'
import { indexRelationships } from './relationship-index.ts'
import { readPreConfig } from './pre-config.ts'
import { buildRelationships } from './relationships.ts'
import { viewPrimaryKeys, type ConstraintRow } from './view-keys.ts'
import {
  nameKey,
  type Column,
  type ComputedRelationship,
  type MediaHandler,
  type Routine,
  type SchemaCache,
  type Table,
} from './types.ts'
import type { ViewRule } from './view-columns.ts'
import { arrayLiteral } from '../parse/literals.ts'

/** What a project's requests are planned with: its settings and its schema, read together. */
export interface Snapshot {
  readonly settings: Settings
  readonly schema: SchemaCache
}

const step = (text: string, ...values: string[]): Step => ({ text, values, plan: null })
const pinned = step(`select set_config('search_path', '', true), set_config('role', 'service_role', true)`)

/** Several trips: settings that the database holds decide which schemas are read. */
export async function loadSnapshot(db: ProjectDb, project: RestSettings): Promise<Snapshot> {
  const stored = await readRoleSettings(db)
  const settings = resolveSettings(project, [...(await readPreConfig(db, stored)), ...stored])
  const exposed = arrayLiteral(settings.schemas)
  const withExtra = arrayLiteral([...settings.schemas, ...settings.extraSearchPath])
  const reading = db.pipeline('svc', {
    isRead: true,
    steps: [
      pinned,
      step(catalog.sizeQuery, withExtra, String(OBJECTS_MAX)),
      step(catalog.tablesQuery, exposed),
      step(catalog.constraintsQuery),
      step(catalog.viewsQuery, withExtra),
      step(catalog.routinesQuery, exposed),
      step(catalog.computedRelationshipsQuery, exposed),
      step(catalog.representationsQuery),
      step(catalog.mediaHandlersQuery, exposed),
    ],
  })
  const results = await reading.catch((error: unknown) => {
    const isTooLarge = error instanceof DatabaseError && guardOf(error.message)?.code === 'PGRST002'
    throw isTooLarge ? schemaTooLarge(OBJECTS_MAX) : error
  })
  return { settings, schema: buildSchemaCache(new Set(settings.schemas), results.slice(1)) }
}

/** Columns, functions and constraints together; a thousand tables have about twenty thousand. */
const OBJECTS_MAX = 300_000

/**
 * The tables are Favo's own (where `alter role … set` and `create role` of a customer are kept); without them there are
 * none. What a customer's role is called in the cluster comes as its setting `role`.
 */
async function readRoleSettings(db: ProjectDb): Promise<RoleSetting[]> {
  const known = await db.pipeline('svc', {
    isRead: true,
    steps: [
      pinned,
      step(`
        select to_regclass('pg_favo.role_settings') is not null, to_regprocedure('pg_favo.api_settings()') is not null`),
    ],
  })
  const [hasRoles, hasLogin] = (known[1]?.rows[0] ?? []).map((value) => value?.toString() === 't')
  if (hasRoles !== true) return []
  const read = await db.pipeline('svc', {
    isRead: true,
    steps: [
      pinned,
      step(`
        select coalesce(json_agg(json_build_object('role', role, 'name', name, 'value', value)), '[]')
        from (
          select role, name, value from pg_favo.role_settings
          union all select name, 'role', role from pg_favo.roles
          ${hasLogin === true ? `union all select 'authenticator', name, value from pg_favo.api_settings()` : ''}
        ) settings`),
    ],
  })
  return json<RoleSetting[]>(read, 1)
}

interface TableRow extends Omit<Table, 'columns' | 'isInsertable' | 'isUpdatable' | 'isDeletable'> {
  readonly columns: readonly (Omit<Column, 'enumValues'> & { enumValues: string[] | null })[]
  /** Bits of pg_relation_is_updatable: 4 update, 8 insert, 16 delete. */
  readonly writable: number
}

interface RoutineRow extends Omit<Routine, 'volatility' | 'isolation' | 'settings'> {
  readonly volatility: 'i' | 's' | 'v'
  readonly settings: readonly string[] | null
}

function buildSchemaCache(schemas: ReadonlySet<string>, results: PipelineResult): SchemaCache {
  const constraints = json<ConstraintRow[]>(results, 2)
  const views = json<ViewRule[]>(results, 3)
  const viewKeys = viewPrimaryKeys(constraints, views)
  const tables = new Map(
    json<TableRow[]>(results, 1).map((row) => {
      const key = nameKey(row)
      return [key, toTable(row, row.isView ? (viewKeys.get(key) ?? []) : row.primaryKey)]
    }),
  )
  const computed = json<Omit<ComputedRelationship, 'kind' | 'isSelf'>[]>(results, 5).map(
    (row): ComputedRelationship => ({
      ...row,
      kind: 'computed',
      isSelf: nameKey(row.table) === nameKey(row.foreign),
    }),
  )
  return {
    tables,
    relationships: indexRelationships(buildRelationships(constraints, views, viewKeys), computed, schemas),
    routines: groupRoutines(json<RoutineRow[]>(results, 4)),
    representations: new Map(
      json<[string, string, string][]>(results, 6).map(([from, to, fn]) => [`${from}\0${to}`, fn]),
    ),
    mediaHandlers: json<Omit<MediaHandler, 'produces'>[]>(results, 7).map((handler) => ({
      ...handler,
      produces: handler.accepts === '*/*' ? 'application/octet-stream' : handler.accepts,
    })),
  }
}

function toTable({ columns, writable, ...row }: TableRow, primaryKey: readonly string[]): Table {
  return {
    ...row,
    primaryKey,
    isInsertable: (writable & 8) !== 0,
    isUpdatable: (writable & 4) !== 0,
    isDeletable: (writable & 16) !== 0,
    columns: new Map(columns.map((c) => [c.name, { ...c, enumValues: c.enumValues ?? [] }])),
  }
}

const VOLATILITY = { i: 'immutable', s: 'stable', v: 'volatile' } as const

function groupRoutines(rows: readonly RoutineRow[]): Map<string, Routine[]> {
  const groups = new Map<string, Routine[]>()
  for (const row of rows) {
    const settings = (row.settings ?? []).map((s) => {
      const equals = s.indexOf('=')
      return [s.slice(0, equals), s.slice(equals + 1)] as const
    })
    const level = settings.find(([name]) => name === 'default_transaction_isolation')?.[1].toLowerCase()
    const routine: Routine = {
      ...row,
      settings,
      volatility: VOLATILITY[row.volatility],
      isolation: level === 'serializable' || level === 'repeatable read' ? level : null,
    }
    const key = nameKey(row)
    groups.set(key, [...(groups.get(key) ?? []), routine])
  }
  for (const group of groups.values()) group.sort(byParameters)
  return groups
}

/** Fewest parameters first, then by their names and types: the order in which candidates are told in errors. */
function byParameters(a: Routine, b: Routine): number {
  const text = (r: Routine) =>
    [
      r.description === null ? '0' : `1${r.description}`,
      ...r.parameters.map((p) => `${p.name}\0${p.type}`),
    ].join('\u0001')
  return a.parameters.length - b.parameters.length || (text(a) < text(b) ? -1 : 1)
}

function json<T>(results: PipelineResult, index: number): T {
  const cell = results[index]?.rows[0]?.[0]
  if (cell === null || cell === undefined) throw new Error(`catalog query ${index} returned nothing`)
  return JSON.parse(cell.toString('utf8')) as T
}
