import { ambiguousFunction, noFunction, type WantedFunction } from '../errors/schema-errors.ts'
import type { MediaType } from '../parse/media-type.ts'
import type { ApiRequest } from '../parse/request.ts'
import {
  nameKey,
  type Parameter,
  type QualifiedName,
  type Routine,
  type SchemaCache,
} from '../schema-cache/types.ts'
import { neededColumns } from './mutate.ts'
import type { CallArguments, CallPlan, PlannedLogic, ReadNode } from './types.ts'

/**
 * The overload that these arguments fit: all required parameters given and nothing unknown. A POST without such a one
 * may go, as a whole, to a function with a single unnamed parameter of the body's type.
 *
 * @throws ApiError PGRST202, PGRST203
 */
export function findFunction(
  cache: SchemaCache,
  request: ApiRequest,
  name: QualifiedName,
  isPost: boolean,
): Routine {
  const wanted: WantedFunction = {
    name,
    argumentNames: argumentNames(request),
    isPost,
    contentType: request.contentType,
  }
  const overloads = cache.routines.get(nameKey(name)) ?? []
  const fitting = overloads.filter((routine) => fits(routine, wanted))
  const taking = fitting.length > 0 ? fitting : overloads.filter((routine) => takesBody(routine, wanted))
  const [only] = taking
  if (only === undefined) throw noFunction(cache, wanted, overloads)
  if (taking.length > 1) throw ambiguousFunction(taking)
  return only
}

function argumentNames({ query, payload }: ApiRequest): string[] {
  const names =
    payload === null
      ? query.arguments.map(([name]) => name)
      : payload.kind === 'form'
        ? payload.pairs.map(([name]) => name)
        : payload.kind === 'json'
          ? payload.keys
          : []
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1))
}

const isWholeBody = ({ kind }: MediaType) => kind === 'bytes' || kind === 'text' || kind === 'xml'

function fits(routine: Routine, { argumentNames: given, isPost, contentType }: WantedFunction): boolean {
  const { parameters } = routine
  if (parameters.length === 0) return given.length === 0 && !(isPost && isWholeBody(contentType))
  const known = new Set(parameters.map((p) => p.name))
  const has = new Set(given)
  return given.every((name) => known.has(name)) && parameters.every((p) => !p.isRequired || has.has(p.name))
}

const BODY_TYPES: Partial<Record<MediaType['kind'], readonly string[]>> = {
  json: ['json', 'jsonb'],
  text: ['text'],
  xml: ['xml'],
  bytes: ['bytea'],
}

function takesBody({ parameters }: Routine, { isPost, contentType }: WantedFunction): boolean {
  const [only] = parameters
  if (!isPost || only === undefined || parameters.length > 1 || only.name !== '') return false
  return BODY_TYPES[contentType.kind]?.includes(only.type) ?? false
}

export function planCall(request: ApiRequest, routine: Routine, read: ReadNode): CallPlan {
  const returning = neededColumns(read, [])
  const returnsAll = returning.includes('*') || returning.length === 0
  return {
    routine,
    arguments: planArguments(request, routine),
    // What is filtered by has to be there as well.
    returning: returnsAll
      ? ['*']
      : [...new Set([...returning, ...read.where.flatMap(filteredNames), ...orderNames(read)])],
  }
}

const filteredNames = (logic: PlannedLogic): string[] =>
  logic.kind === 'group'
    ? logic.members.flatMap(filteredNames)
    : logic.kind === 'filter'
      ? [logic.field.name]
      : []

const orderNames = (read: ReadNode): string[] =>
  read.order.flatMap((term) => (term.embed === null ? [term.field.name] : []))

function planArguments(request: ApiRequest, routine: Routine): CallArguments {
  const { payload, query } = request
  const [only] = routine.parameters
  if (only?.name === '' && routine.parameters.length === 1) return { kind: 'body', type: only.type }
  if (payload?.kind === 'json') {
    const keys = new Set(payload.keys)
    const parameters = routine.parameters.filter((p) => keys.has(p.name))
    return parameters.length === 0
      ? { kind: 'none' }
      : { kind: 'json', parameters, isObject: payload.isObject }
  }
  const pairs = payload?.kind === 'form' ? payload.pairs : query.arguments
  const given = routine.parameters.flatMap((parameter) => {
    const indexes = indexesOf(parameter, pairs)
    return indexes.length === 0 ? [] : [{ parameter, indexes }]
  })
  return given.length === 0 ? { kind: 'none' } : { kind: 'pairs', given }
}

/** A variadic parameter takes every value, any other the last. */
function indexesOf(parameter: Parameter, pairs: readonly (readonly [string, string])[]): number[] {
  const indexes = pairs.flatMap(([name], i) => (name === parameter.name ? [i] : []))
  return parameter.isVariadic ? indexes : indexes.slice(-1)
}
