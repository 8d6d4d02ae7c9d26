import type { StepResult } from '@favo/postgres'
import { CELL } from '../compile/statement.ts'
import { requestErrors } from '../errors/request-errors.ts'
import type { Executed } from '../execute/execute.ts'
import type { Repetition } from '../execute/repetition.ts'
import { contentType } from '../parse/media-type.ts'
import type { ApiRequest } from '../parse/request.ts'
import type { FunctionPlan, MutationPlan, ReadPlan, StatementPlan } from '../plan/types.ts'
import { isVoid } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'
import { encodeUrlPart } from '../url.ts'
import { appliedPreferences } from './applied-preferences.ts'
import { renderError } from './error.ts'
import { contentRange, rangeStatus } from './range-header.ts'
import { headerText, type Answer } from './response.ts'
import { withResponseSettings } from './response-settings.ts'

export interface Rendering {
  readonly request: ApiRequest
  readonly settings: Settings
  /** What stands before paths in Location headers: `/p/<ref>/rest/v1`. */
  readonly prefix: string
  /** Null for what is not expected again. */
  readonly repetition: Repetition | null
}

type Headers = (readonly [string, string])[]

/** @throws ApiError when the rows are not what the client insisted on, or when the database set a malformed header */
export function renderStatement(plan: StatementPlan, executed: Executed, rendering: Rendering): Answer {
  if (plan.explain !== null) return renderExplain(plan, executed.main, rendering.request)
  const cells = executed.main.rows[0] ?? []
  const answer = answerOf(plan, new Cells(cells), executed, rendering)
  return withResponseSettings(answer, cells[CELL.headers] ?? null, cells[CELL.status] ?? null)
}

class Cells {
  readonly #cells: readonly (Buffer | null)[]

  constructor(cells: readonly (Buffer | null)[]) {
    this.#cells = cells
  }

  number(index: number): number | null {
    const cell = this.#cells[index]
    return cell === null || cell === undefined ? null : Number(cell.toString('latin1'))
  }

  get rows(): number {
    return this.number(CELL.rows) ?? 0
  }

  body({ handler }: StatementPlan): Buffer {
    const cell = this.#cells[CELL.body] ?? NOTHING
    const isHex = handler.kind === 'custom' && handler.isBinary
    return isHex ? Buffer.from(cell.toString('latin1'), 'hex') : cell
  }

  text(index: number): string | null {
    return this.#cells[index]?.toString('utf8') ?? null
  }
}

const NOTHING = Buffer.alloc(0)

function answerOf(plan: StatementPlan, cells: Cells, executed: Executed, rendering: Rendering): Answer {
  switch (plan.kind) {
    case 'read':
      return readAnswer(plan, cells, executed, rendering)
    case 'mutation':
      return mutationAnswer(plan, cells, rendering)
    case 'function':
      return functionAnswer(plan, cells, rendering)
  }
}

function readAnswer(plan: ReadPlan, cells: Cells, executed: Executed, rendering: Rendering): Answer {
  const { request } = rendering
  if (plan.mediaType.kind === 'object' && cells.rows !== 1)
    throw requestErrors.notSingular(String(cells.rows))
  const total = totalOf(cells, executed, rendering)
  const { lower } = request.range
  const upper = lower + cells.rows - 1
  const status = rangeStatus(lower, upper, total)
  const body = status === 416 ? beyondEnd(lower, total) : cells.body(plan)
  const list = () => fixedHeaders(plan, rendering)
  const headers: Headers = [
    ['Content-Range', contentRange(lower, upper, total)],
    ...(plan.isHead ? [] : [length(body)]),
    ...(rendering.repetition?.headers(rendering.prefix, list) ?? list()),
  ]
  return { status, statusText: null, headers, body: plan.isHead ? null : body }
}

/** What follows from the request alone. */
function fixedHeaders(plan: ReadPlan, { request, prefix }: Rendering): Headers {
  const query = request.query.canonical
  const location = `${prefix}/${plan.relation.name}${query === '' ? '' : `?${query}`}`
  return [
    ['Content-Location', headerText(location)],
    ...typeHeaders(plan, request),
    ...preferenceHeader(plan, request),
  ]
}

/** With `count=planned` what the planner thinks; with `estimated` that, but only beyond the project's limit. */
function totalOf(cells: Cells, { estimate }: Executed, { request, settings }: Rendering): number | null {
  const counted = cells.number(CELL.total)
  const { count } = request.preferences
  if (estimate === null) return counted
  const planned = plannedRows(estimate)
  if (count === 'planned') return planned
  if (counted === null || (settings.maxRows !== null && counted <= settings.maxRows)) return counted
  return Math.max(counted, planned ?? 0)
}

function plannedRows(explained: StepResult): number | null {
  const text = explained.rows[0]?.[0]?.toString('utf8') ?? ''
  const match = /"Plan Rows":\s*(\d+)/.exec(text)
  return match === null ? null : Number(match[1])
}

const beyondEnd = (lower: number, total: number | null): Buffer =>
  renderError(requestErrors.rangeBeyondEnd(lower, total ?? 0)).body ?? NOTHING

function mutationAnswer(plan: MutationPlan, cells: Cells, rendering: Rendering): Answer {
  const { request } = rendering
  const { preferences } = request
  const isShown = preferences.representation === 'representation'
  const total = preferences.count === 'exact' || preferences.count === 'estimated' ? cells.rows : null
  const body = isShown ? cells.body(plan) : null
  const shown: Headers = body === null ? [] : [length(body), ...typeHeaders(plan, request)]
  const preference = preferenceHeader(plan, request)
  const inserted = cells.number(CELL.inserted) ?? 0
  const { write } = plan
  if (write.kind === 'insert') {
    if (write.isPut) {
      const headers = [...shown, ...preference]
      return { status: !isShown ? 204 : inserted > 0 ? 201 : 200, statusText: null, headers, body }
    }
    const isUpdateOnly = preferences.resolution === 'merge-duplicates' && inserted <= 0
    const headers: Headers = [
      ...locationHeader(plan, cells, rendering),
      ['Content-Range', contentRange(1, 0, total)],
      ...preference,
      ...(body === null ? ([['Content-Length', '0']] as const) : shown),
    ]
    return { status: isUpdateOnly ? 200 : 201, statusText: null, headers, body }
  }
  const [lower, upper] = write.kind === 'update' ? [0, cells.rows - 1] : [1, 0]
  const headers: Headers = [['Content-Range', contentRange(lower, upper, total)], ...preference, ...shown]
  return { status: isShown ? 200 : 204, statusText: null, headers, body }
}

function locationHeader(plan: MutationPlan, cells: Cells, { prefix }: Rendering): Headers {
  const text = cells.text(CELL.location)
  if (text === null) return []
  const key = JSON.parse(text) as Record<string, string | null>
  const query = Object.entries(key).map(
    ([name, value]) => `${encodeUrlPart(name)}=${encodeUrlPart(value === null ? 'is.null' : `eq.${value}`)}`,
  )
  return [['Location', headerText(`${prefix}/${plan.relation.name}?${query.join('&')}`)]]
}

function functionAnswer(plan: FunctionPlan, cells: Cells, { request }: Rendering): Answer {
  if (plan.mediaType.kind === 'object' && cells.rows !== 1)
    throw requestErrors.notSingular(String(cells.rows))
  const total = cells.number(CELL.total)
  const { lower } = request.range
  const upper = lower + cells.rows - 1
  const status = rangeStatus(lower, upper, total)
  const start: Headers = [
    ['Content-Range', contentRange(lower, upper, total)],
    ...preferenceHeader(plan, request),
  ]
  if (isVoid(plan.call.routine)) return { status: 204, statusText: null, headers: start, body: null }
  const body = status === 416 ? beyondEnd(lower, total) : cells.body(plan)
  const headers = [...start, ...(plan.isHead ? [] : [length(body)]), ...typeHeaders(plan, request)]
  return { status, statusText: null, headers, body: plan.isHead ? null : body }
}

const length = (body: Buffer) => ['Content-Length', String(body.length)] as const

export const profileHeader = ({ schema, isSchemaNegotiated }: ApiRequest): Headers =>
  isSchemaNegotiated ? [['Content-Profile', headerText(schema)]] : []

/** What a cache has to tell requests apart by; in PostgREST from the version after 14 on. */
export const varyHeader = ['Vary', 'Accept, Prefer, Range'] as const

const typeHeaders = (plan: StatementPlan, request: ApiRequest): Headers => [
  ['Content-Type', contentType(plan.mediaType)],
  varyHeader,
  ...profileHeader(request),
]

function preferenceHeader(plan: StatementPlan, { preferences, query }: ApiRequest): Headers {
  const hasTarget = plan.kind === 'mutation' && (plan.primaryKey.length > 0 || query.onConflict !== null)
  const applied = appliedPreferences(plan, preferences, hasTarget)
  return applied === null ? [] : [['Preference-Applied', applied]]
}

/** In text form the plan comes as a row for each line. */
function renderExplain(plan: StatementPlan, { rows }: StepResult, request: ApiRequest): Answer {
  const body = Buffer.concat(rows.flatMap(([line]) => [line ?? NOTHING, Buffer.from('\n')]))
  return { status: 200, statusText: null, headers: [length(body), ...typeHeaders(plan, request)], body }
}
