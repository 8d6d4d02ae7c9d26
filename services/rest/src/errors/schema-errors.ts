import type { MediaType } from '../parse/media-type.ts'
import {
  nameKey,
  type QualifiedName,
  type Relationship,
  type Routine,
  type SchemaCache,
} from '../schema-cache/types.ts'
import { ApiError } from './api-error.ts'
import { similar } from './fuzzy.ts'
import { nameIndex } from './name-hints.ts'

/** PGRST2xx: the schema cache does not know what the request names, or knows it twice. */

const miss = { isCacheMiss: true }
const NAME_SCORE = 0.75

export function noRelationship(
  cache: SchemaCache,
  schema: string,
  origin: string,
  target: string,
  hint: string | null, // prettier-ignore
): ApiError {
  const using = hint === null ? '' : `' using the hint '${hint}`
  return new ApiError(
    400,
    {
      code: 'PGRST200',
      message: `Could not find a relationship between '${origin}' and '${target}' in the schema cache`,
      details: `Searched for a foreign key relationship between '${origin}' and '${target}${using}' in the schema '${schema}', but no matches were found.`,
      hint: relationshipHint(cache, schema, origin, target),
    },
    miss,
  )
}

function relationshipHint(cache: SchemaCache, schema: string, origin: string, target: string): string | null {
  const ofOrigin = cache.relationships.get(nameKey({ schema, name: origin }))
  if (ofOrigin === undefined) {
    const best = nameIndex(cache, 'origins', schema).similar(origin)[0]
    return best === undefined ? null : `Perhaps you meant '${best.name}' instead of '${origin}'.`
  }
  const best = similar(
    target,
    ofOrigin.map((r) => r.foreign.name),
  ).find((m) => m.score < 1)
  return best === undefined ? null : `Perhaps you meant '${best.name}' instead of '${target}'.`
}

export function ambiguousRelationship(
  origin: string,
  target: string,
  found: readonly Relationship[],
): ApiError {
  const hints = found.map((r) => `'${r.foreign.name}!${distinguishedBy(r)}'`).join(', ')
  return new ApiError(300, {
    code: 'PGRST201',
    message: `Could not embed because more than one relationship was found for '${origin}' and '${target}'`,
    details: found.map((r) => ({
      cardinality: r.kind,
      embedding: `${r.table.name} with ${r.foreign.name}`,
      relationship: described(r),
    })),
    hint: `Try changing '${target}' to one of the following: ${hints}. Find the desired relationship in the 'details' key.`,
  })
}

const distinguishedBy = (r: Relationship): string =>
  r.kind === 'many-to-many' ? r.junction.name : r.kind === 'computed' ? r.function.name : r.constraint

function described(r: Relationship): string {
  const list = (names: readonly string[]) => `(${names.join(', ')})`
  if (r.kind === 'computed') return r.function.name
  const own = r.columns.map((c) => c.own)
  const foreign = r.columns.map((c) => c.foreign)
  if (r.kind === 'many-to-many')
    return `${r.junction.name} using ${r.constraint}${list(foreign)} and ${r.foreignConstraint}${list(r.foreignColumns.map((c) => c.foreign))}`
  return `${r.constraint} using ${r.table.name}${list(own)} and ${r.foreign.name}${list(foreign)}`
}

export interface WantedFunction {
  readonly name: QualifiedName
  readonly argumentNames: readonly string[]
  readonly isPost: boolean
  readonly contentType: MediaType
}

export function noFunction(
  cache: SchemaCache,
  wanted: WantedFunction,
  overloads: readonly Routine[],
): ApiError {
  const { name, argumentNames, isPost, contentType } = wanted
  const full = `${name.schema}.${name.name}`
  const body = isPost && ['text', 'xml', 'bytes'].includes(contentType.kind) ? contentType.kind : null
  const joined = argumentNames.join(', ')
  const isNone = argumentNames.length === 0
  const signature = isNone ? ' without parameters' : `(${joined})`
  const described = isNone
    ? ' without parameters'
    : ` with parameter${argumentNames.length > 1 ? 's' : ''} ${joined}`
  const bodyTypes: Record<string, string> = { text: 'text', xml: 'xml', bytes: 'bytea' }
  const searched =
    body !== null
      ? ` with a single unnamed ${bodyTypes[body]} parameter`
      : isPost && contentType.kind === 'json'
        ? `${described} or with a single unnamed json/jsonb parameter`
        : described
  return new ApiError(
    404,
    {
      code: 'PGRST202',
      message: `Could not find the function ${full}${body === null ? signature : ''} in the schema cache`,
      details: `Searched for the function ${full}${searched}, but no matches were found in the schema cache.`,
      hint: body === null ? functionHint(cache, name, argumentNames, overloads) : null,
    },
    miss,
  )
}

function functionHint(
  cache: SchemaCache,
  name: QualifiedName,
  argumentNames: readonly string[],
  overloads: readonly Routine[],
): string | null {
  const perhaps = (what: string) => `Perhaps you meant to call the function ${name.schema}.${what}`
  if (overloads.length === 0) {
    const best = nameIndex(cache, 'routines', name.schema).similar(name.name, NAME_SCORE)[0]
    return best === undefined ? null : perhaps(best.name)
  }
  const listed = (names: readonly string[]) => `(${[...names].sort().join(', ')})`
  const best = similar(
    listed(argumentNames),
    overloads.map((r) => listed(r.parameters.map((p) => p.name))),
  )[0]
  return best === undefined ? null : perhaps(`${name.name}${best.name}`)
}

export const ambiguousFunction = (candidates: readonly Routine[]): ApiError =>
  new ApiError(300, {
    code: 'PGRST203',
    message: `Could not choose the best candidate function between: ${candidates
      .map((r) => `${r.schema}.${r.name}(${r.parameters.map((p) => `${p.name} => ${p.type}`).join(', ')})`)
      .join(', ')}`,
    hint: 'Try renaming the parameters or the function itself in the database so function overloading can be resolved',
  })

export const noColumn = (table: string, column: string): ApiError =>
  new ApiError(
    400,
    {
      code: 'PGRST204',
      message: `Could not find the '${column}' column of '${table}' in the schema cache`,
    },
    miss,
  )

export function noTable(cache: SchemaCache, { schema, name }: QualifiedName): ApiError {
  const best = nameIndex(cache, 'tables', schema).similar(name, NAME_SCORE)[0]
  return new ApiError(
    404,
    {
      code: 'PGRST205',
      message: `Could not find the table '${schema}.${name}' in the schema cache`,
      hint: best === undefined ? null : `Perhaps you meant the table '${schema}.${best.name}'`,
    },
    miss,
  )
}

/** The schema cache cannot be had; PostgREST's code for that. */
export const schemaTooLarge = (max: number): ApiError =>
  new ApiError(503, {
    code: 'PGRST002',
    message: 'Could not query the database for the schema cache. Retrying.',
    details: `The exposed schemas hold more than ${max} columns, functions and constraints.`,
    hint: 'Expose fewer schemas, or move what the API does not need out of them.',
  })
