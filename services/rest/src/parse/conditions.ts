import { condition, logicPath, logicTree, wholeValue, type Value } from './filter.grammar.ts'
import { treePath } from './names.grammar.ts'
import { cached, parseOrThrow, validateNesting } from './parse-text.ts'
import { run } from './parsec.ts'
import type { AtPath, CompareOperator, Filter, Logic, Operation, Slot } from './query-types.ts'

/** Filters and logic trees, their values lifted out into slots. */

export type Lift = (value: Value) => Slot

export const cachedTreePath = cached(treePath, 'tree path')
const filterCondition = condition(wholeValue)

/** The commonest conditions, without the grammar: same result, a tenth of the time. */
const COMMON = /^(not\.)?(?:(eq|neq|gte|gt|lte|lt|like|ilike|cs|cd)\.([^]*)|in\.\(((?![ \t])[^()"]*)\))$/

interface ParsedFilter {
  readonly filter: AtPath<Filter>
  readonly shape: string
}

/** A filter parameter; in a call by GET, what has no operator is an argument. */
export function parseFilter(
  name: string,
  value: string,
  isCall: boolean,
  lift: Lift,
): ParsedFilter | { argument: string } {
  const { path, field } = cachedTreePath(name)
  const common = COMMON.exec(value)
  let negated: boolean
  let operation: Operation<Value>
  if (common !== null) {
    const [, not, operator, text = '', list = ''] = common
    negated = not !== undefined
    operation =
      operator === undefined
        ? { kind: 'in', value: list.split(',') }
        : { kind: 'compare', operator: operator as CompareOperator, quantifier: null, value: text }
  } else {
    if (isCall && !startsLikeCondition(value) && !('ok' in run(filterCondition, value)))
      return { argument: field.name }
    ;({ negated, operation } = parseOrThrow(filterCondition, value, 'filter'))
  }
  const filter: Filter = { kind: 'filter', field, negated, operation: liftOperation(operation, lift) }
  const shape = `${negated ? 'not.' : ''}${JSON.stringify(filter.operation)}`
  return { filter: { path, value: filter }, shape }
}

/** Once an operator has been recognized, what follows is an error and no argument any more. */
const startsLikeCondition = (value: string) => /^(?:not|in|is|isdistinct)\./.test(value)

/** An `and` or `or` parameter, with the embed it belongs to in its name. */
export function parseLogic(name: string, value: string, lift: Lift): AtPath<Logic> {
  const { path, operator } = parseOrThrow(logicPath, name, 'logic path')
  validateNesting(value, 'logic tree')
  return { path, value: liftLogic(parseOrThrow(logicTree, operator + value, 'logic tree', value), lift) }
}

function liftLogic(logic: Logic<Value>, lift: Lift): Logic {
  if (logic.kind === 'filter') return { ...logic, operation: liftOperation(logic.operation, lift) }
  return { ...logic, members: logic.members.map((member) => liftLogic(member, lift)) }
}

function liftOperation(operation: Operation<Value>, lift: Lift): Operation<Slot> {
  if (operation.kind === 'is') return operation
  if (operation.kind !== 'compare') return { ...operation, value: lift(operation.value) }
  const isPattern = operation.operator === 'like' || operation.operator === 'ilike'
  const value = isPattern ? String(operation.value).replaceAll('*', '%') : operation.value
  return { ...operation, value: lift(value) }
}
