import { formatText } from './format-text.ts'
import { encodeComponent } from './escape.ts'
import { TEXT_LENGTH_MAX } from './limits.ts'
import type { FunctionName } from './syntax.ts'
import { isTrue, member, sizeOf, textOf } from './values.ts'
import { TemplateError } from './template-error.ts'

/** Arguments that are not asked for are not evaluated: `and` and `or` stop early. */
type Lazy = () => unknown

/** Go's predefined functions. Where Go refuses to compare what is not alike, the answer is false: users' metadata may be anything. */
export function callFunction(name: string, given: readonly Lazy[], line: number): unknown {
  const fail = (why: string): never => {
    throw new TemplateError(line, `${name}: ${why}`)
  }
  if (given.length < (argumentsMin[name as FunctionName] ?? 0)) fail('an argument is missing')
  if (name === 'and' || name === 'or') return choose(name, given)
  const [first, ...others] = given.map((evaluate) => evaluate())
  const [second] = others
  switch (name as FunctionName) {
    case 'not':
      return !isTrue(first)
    case 'eq':
      return others.some((other) => isSame(first, other))
    case 'ne':
      return !isSame(first, second)
    case 'lt':
      return compare(first, second) === -1
    case 'le':
      return [-1, 0].includes(compare(first, second) ?? NaN)
    case 'gt':
      return compare(first, second) === 1
    case 'ge':
      return [0, 1].includes(compare(first, second) ?? NaN)
    case 'len':
      return lengthOf(first)
    case 'index':
      return others.reduce(at, first)
    case 'slice':
      return slice(first, others, fail)
    // The place decides how a value is escaped, once; so there is nothing left to do for `html`.
    case 'html':
    case 'print':
      return bounded(() => [first, ...others].map(textOf).join(''), [first, ...others], fail)
    case 'println':
      return bounded(() => `${[first, ...others].map(textOf).join(' ')}\n`, [first, ...others], fail)
    case 'printf':
      return bounded(() => formatText(textOf(first), others), [first, ...others], fail)
    case 'js':
      return bounded(() => JSON.stringify(textOf(first)).slice(1, -1), [first], fail)
    case 'urlquery':
      return bounded(() => encodeComponent([first, ...others].map(textOf).join('')), [first, ...others], fail)
    default:
      return fail('there is no such function')
  }
}

const argumentsMin: Readonly<Partial<Record<FunctionName, number>>> = {
  and: 1,
  or: 1,
  not: 1,
  eq: 2,
  ne: 2,
  lt: 2,
  le: 2,
  gt: 2,
  ge: 2,
  len: 1,
  index: 1,
  slice: 1,
  printf: 1,
}

function choose(name: 'and' | 'or', given: readonly Lazy[]): unknown {
  let value: unknown
  for (const evaluate of given) {
    value = evaluate()
    if (isTrue(value) === (name === 'or')) return value
  }
  return value
}

/** Nothing and nothing are the same, as is a member that is not there. */
const isSame = (a: unknown, b: unknown): boolean => (a ?? null) === (b ?? null)

/** Null where there is no order. */
function compare(a: unknown, b: unknown): -1 | 0 | 1 | null {
  const isAlike =
    (typeof a === 'number' && typeof b === 'number') || (typeof a === 'string' && typeof b === 'string')
  if (!isAlike) return null
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Of a text in bytes. */
function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return sizeOf(value)
}

function at(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) return typeof key === 'number' ? (value[key] as unknown) : null
  if (typeof value === 'string') return typeof key === 'number' ? value[key] : null
  return member(value, textOf(key))
}

function slice(value: unknown, bounds: readonly unknown[], fail: (why: string) => never): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) return fail('only texts and lists can be sliced')
  const [from = 0, to = value.length] = bounds
  if (typeof from !== 'number' || typeof to !== 'number') return fail('bounds are numbers')
  return value.slice(Math.max(0, from), Math.max(0, to))
}

/** Texts that are put together again and again would double each time. */
function bounded(make: () => string, parts: readonly unknown[], fail: (why: string) => never): string {
  const length = parts.reduce<number>((sum, part) => sum + textOf(part).length, 0)
  if (length > TEXT_LENGTH_MAX) return fail(`a text is longer than ${TEXT_LENGTH_MAX} characters`)
  return make()
}
