import {
  quoteIdent,
  type CancelSignal,
  type PipelineRequest,
  type PipelineResult,
  type ProjectDb,
  type Step,
  type StepResult,
} from '@favo/postgres'
import type { Caller } from '../authenticate.ts'
import type { Compiled } from '../compile/statement.ts'
import type { Binding, Statement } from '../compile/parameters.ts'
import { variadicLiteral } from '../parse/literals.ts'
import type { ApiRequest, RawRequest } from '../parse/request.ts'
import type { StatementPlan } from '../plan/types.ts'
import type { Settings } from '../settings.ts'
import type { Routine } from '../schema-cache/types.ts'
import { contextSettings, isolationOf } from './context.ts'
import { deadlineMs } from './deadline.ts'
import type { Repetition } from './repetition.ts'

export interface Execution {
  readonly raw: RawRequest
  readonly request: ApiRequest
  readonly caller: Caller
  readonly settings: Settings
  readonly signal: CancelSignal
  /** Null for what is not expected again. */
  readonly repetition: Repetition | null
}

export interface Executed {
  readonly main: StepResult
  readonly estimate: StepResult | null
}

/** Runs a compiled plan: one trip, one transaction, as the caller. */
export function execute(
  db: ProjectDb,
  plan: StatementPlan,
  compiled: Compiled,
  run: Execution,
): Promise<Executed> {
  const { request, caller, settings } = run
  const routine = plan.kind === 'function' ? plan.call.routine : null
  const isRead = changesNothing(plan, request)
  const isRolledBack = !isRead && endsInRollback(request, settings)
  const list = () => listSteps(compiled, run, isRolledBack)
  const steps = run.repetition?.steps(caller.role, list) ?? list()
  const isolation = isolationOf(settings, caller.role, routine)
  const transaction: PipelineRequest['transaction'] =
    isRolledBack || isolation !== null
      ? {
          end: isRolledBack ? 'rollback' : 'commit',
          readOnly: isRead,
          ...(isolation === null ? {} : { isolation }),
        }
      : undefined
  const at = steps.length - (isRolledBack ? 1 : 0) - (compiled.estimate === null ? 1 : 2)
  return runPipeline(db, run, routine, steps, isRead, transaction).then((results) => ({
    main: resultAt(results, at),
    estimate: compiled.estimate === null ? null : resultAt(results, at + 1),
  }))
}

function listSteps(compiled: Compiled, run: Execution, isRolledBack: boolean): Step[] {
  const { request, caller } = run
  const steps = [...preRequest(run), bind(compiled.main, request, caller.role)]
  if (compiled.estimate !== null) steps.push(bind(compiled.estimate, request, caller.role))
  // What a commit would have found out is found out all the same.
  if (isRolledBack) steps.push({ text: 'set constraints all immediate', values: [], plan: null })
  return steps
}

/** The project's own say, before the statement runs. */
export function preRequest({ caller, settings }: Execution): Step[] {
  if (settings.preRequest === null) return []
  const name = settings.preRequest.map((part) => quoteIdent(part)).join('.')
  return [{ text: `select ${name}()`, values: [], plan: caller.role }]
}

/** As the caller. Only the service role's connections may become it; everybody else shares the other login. */
export function runPipeline(
  db: ProjectDb,
  { raw, request, caller, settings, signal, repetition }: Execution,
  routine: Routine | null,
  steps: readonly Step[],
  isRead: boolean,
  transaction?: PipelineRequest['transaction'],
): Promise<PipelineResult> {
  const list = () => contextSettings(raw, request, caller, settings, routine)
  return db.pipeline(caller.role === 'service_role' ? 'svc' : 'api', {
    steps,
    isRead,
    transaction,
    settings: repetition?.settings(raw.headersKey, caller, list) ?? list(),
    deadlineMs: deadlineMs(settings, caller.role, routine),
    signal,
  })
}

export function resultAt(results: PipelineResult, index: number): StepResult {
  const result = results[index]
  if (result === undefined) throw new Error('the pipeline answered fewer steps than it was given')
  return result
}

function changesNothing(plan: StatementPlan, { action }: ApiRequest): boolean {
  if (plan.kind !== 'function') return plan.kind === 'read'
  return (action.kind === 'call' && action.via !== 'post') || plan.call.routine.volatility !== 'volatile'
}

export function endsInRollback({ preferences }: ApiRequest, settings: Settings): boolean {
  return preferences.transaction === null
    ? settings.isRollbackDefault
    : preferences.transaction === 'rollback'
}

/** A statement with the values of one request. */
export function bind(statement: Statement, request: ApiRequest, role: string): Step {
  return {
    text: statement.text,
    types: statement.types,
    values: statement.bindings.map((binding) => valueOf(binding, request)),
    plan: role,
  }
}

function valueOf(binding: Binding, request: ApiRequest): string | Buffer | null {
  switch (binding.kind) {
    case 'literal':
      return request.literals[binding.slot] ?? null
    case 'body': {
      const { payload } = request
      if (payload === null || payload.kind === 'form') return null
      return binding.isBinary ? payload.bytes : payload.bytes.toString('utf8')
    }
    case 'argument': {
      const pairs = request.payload?.kind === 'form' ? request.payload.pairs : request.query.arguments
      const values = binding.indexes.map((i) => pairs[i]?.[1] ?? '')
      return binding.isVariadic ? variadicLiteral(values) : (values[0] ?? null)
    }
  }
}
