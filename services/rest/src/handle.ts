import type { RequestContext } from '@favo/http'
import { authenticate, type Caller } from './authenticate.ts'
import { compile, type Compiled } from './compile/statement.ts'
import { execute } from './execute/execute.ts'
import { readAccess } from './execute/read-access.ts'
import { Repetition } from './execute/repetition.ts'
import { lettersOf, type KnownRead } from './known-reads.ts'
import { mentionsTimezone } from './parse/preferences.ts'
import { parseRequest, type ApiRequest, type RawRequest } from './parse/request.ts'
import { findFunction } from './plan/call.ts'
import type { ReadContext } from './plan/read.ts'
import { getTable, planStatement } from './plan/statement.ts'
import type { StatementPlan } from './plan/types.ts'
import { renderDescription, validateDescription } from './render/openapi/describe.ts'
import { renderError, toApiError } from './render/error.ts'
import { allowedOnFunction, allowedOnRoot, allowedOnTable, renderOptions } from './render/options.ts'
import type { Answer } from './render/response.ts'
import { renderStatement } from './render/statement.ts'
import type { Entry, SchemaStore } from './schema-cache/store.ts'
import { loadTimezones } from './schema-cache/timezones.ts'
import type { Settings } from './settings.ts'
import { Timing } from './timing.ts'

export interface Prepared {
  readonly plan: StatementPlan
  readonly compiled: Compiled
}
export type Store = SchemaStore<Prepared>
type ProjectEntry = Entry<Prepared>
type Read = KnownRead<Prepared>

/**
 * One request: who asks → parse → plan → compile → execute → render. The first and the three in the middle are pure; only
 * the schema cache and the execution wait for the database.
 */
export async function handle(
  store: Store,
  ctx: RequestContext,
  raw: RawRequest,
  prefix: string,
): Promise<Answer> {
  let isAuthenticated = false
  let traceHeader: string | null = null
  try {
    const stored = store.get(ctx.project, ctx.db)
    const entry = stored instanceof Promise ? await stored : stored
    const { settings } = entry.snapshot
    traceHeader = settings.traceHeader
    const timing = new Timing(settings.serverTiming)
    const rules = {
      keys: ctx.project,
      audience: settings.jwtAudience,
      rolePath: settings.rolePath,
      anonRole: settings.anonRole,
    }
    const caller = authenticate(ctx.authorization, rules, Date.now())
    isAuthenticated = caller.isAuthenticated
    timing.end('jwt')

    const letters = lettersOf(raw)
    const known = letters === null ? null : entry.reads.find(raw, letters)
    const request = known?.request ?? (await parse(ctx, raw, settings))
    timing.end('parse')

    const asked = { ctx, raw, prefix, request, caller, timing }
    let answer: Answer
    try {
      answer = await serve(asked, entry, known, letters)
    } catch (error) {
      // What was parsed under older settings is not kept with newer ones.
      answer = await serve(asked, await newerEntry(store, ctx, entry, error), null, null)
    }
    timing.end('response')
    return withTrace(timing.addTo(answer), raw, traceHeader)
  } catch (error) {
    const known = toApiError(error, isAuthenticated)
    if (known === null) throw error
    return withTrace(renderError(known), raw, traceHeader)
  }
}

interface Asked {
  readonly ctx: RequestContext
  readonly raw: RawRequest
  readonly prefix: string
  readonly request: ApiRequest
  readonly caller: Caller
  readonly timing: Timing
}

async function serve(
  { ctx, raw, prefix, request, caller, timing }: Asked,
  entry: ProjectEntry,
  known: Read | null,
  letters: string | null,
): Promise<Answer> {
  const { settings } = entry.snapshot
  if (request.action.kind === 'options') return renderOptions(allowedMethods(entry, request))
  if (request.action.kind === 'describe') {
    validateDescription(request)
    timing.end('plan')
    const run = { raw, request, caller, settings, signal: ctx.departure, repetition: null }
    const access = await readAccess(ctx.db, run)
    timing.end('transaction')
    return renderDescription(request, entry.snapshot, access, `${ctx.baseUrl}/rest/v1/`)
  }
  const read = known ?? (letters === null ? null : keep(entry, raw, letters, request))
  const { plan, compiled } = read === null ? prepare(entry, request) : read.prepared
  timing.end('plan')
  const repetition = read === null ? null : read.repetition
  const run = { raw, request, caller, settings, signal: ctx.departure, repetition }
  const executed = await execute(ctx.db, plan, compiled, run)
  timing.end('transaction')
  return renderStatement(plan, executed, { request, settings, prefix, repetition })
}

function keep(entry: ProjectEntry, raw: RawRequest, letters: string, request: ApiRequest): Read {
  const read = { request, prepared: prepare(entry, request), repetition: new Repetition() }
  entry.reads.keep(raw, letters, read)
  return read
}

async function parse(ctx: RequestContext, raw: RawRequest, settings: Settings): Promise<ApiRequest> {
  const timezones = mentionsTimezone(raw.headers.prefer) ? await loadTimezones(ctx.db) : null
  return parseRequest(raw, settings, (name) => timezones?.has(name) ?? false)
}

/** A header of the request that is sent back, so that a call can be followed through several systems. */
function withTrace(answer: Answer, { headers }: RawRequest, name: string | null): Answer {
  const value = name === null ? undefined : headers[name]
  if (name === null || value === undefined) return answer
  return { ...answer, headers: [...answer.headers, [name, value]] }
}

/**
 * What the schema cache does not know may be new: it is read once more, unless that has been done too often already.
 *
 * @throws `error`, where reading again is no help
 */
async function newerEntry(
  store: Store,
  ctx: RequestContext,
  entry: ProjectEntry,
  error: unknown,
): Promise<ProjectEntry> {
  const isMiss = toApiError(error, true)?.isCacheMiss === true
  const newer = isMiss ? await store.newerThan(entry, ctx.project, ctx.db) : null
  if (newer === null) throw error
  return newer
}

/** A shape that was seen before costs a look-up. */
function prepare({ snapshot, plans }: ProjectEntry, request: ApiRequest): Prepared {
  const known = plans.get(request.shape)
  if (known !== undefined) return known
  const plan = planStatement(contextOf(snapshot, request))
  const prepared = { plan, compiled: compile(plan, request.preferences, snapshot.settings) }
  plans.set(request.shape, prepared)
  return prepared
}

const contextOf = (snapshot: ProjectEntry['snapshot'], request: ApiRequest): ReadContext => ({
  cache: snapshot.schema,
  settings: snapshot.settings,
  request,
})

function allowedMethods({ snapshot }: ProjectEntry, request: ApiRequest): string {
  const { action, schema } = request
  if (action.kind !== 'options' || action.of === 'root') return allowedOnRoot
  if (action.of === 'relation') return allowedOnTable(getTable(contextOf(snapshot, request), action.name))
  return allowedOnFunction(findFunction(snapshot.schema, request, { schema, name: action.name }, false))
}
