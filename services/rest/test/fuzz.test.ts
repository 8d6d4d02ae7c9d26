import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../src/compile/statement.ts'
import { ApiError } from '../src/errors/api-error.ts'
import { parseRequest } from '../src/parse/request.ts'
import { planStatement } from '../src/plan/statement.ts'
import { loadSnapshot, type Snapshot } from '../src/schema-cache/load.ts'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

/** Requests made from the grammar, with a seed: the same ones each time. */
let rest: TestRest
let snapshot: Snapshot
beforeAll(async () => {
  rest = await startRest(shopSchema)
  const settings = { schemas: ['public'], extraSearchPath: [], maxRows: 100, aggregatesEnabled: true }
  snapshot = await loadSnapshot(rest.db, settings)
})
afterAll(() => rest.close())

type Random = () => number
/** mulberry32 */
function random(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const TABLES: Record<string, readonly string[]> = {
  people: ['id', 'name', 'born', 'manager_id', 'data', 'initials'],
  addresses: ['person_id', 'city'],
  orders: ['id', 'person_id', 'total', 'placed_at'],
  tags: ['id', 'label'],
  adults: ['person', 'name'],
  nothing: ['none'],
}
const EMBEDS: Record<string, readonly string[]> = {
  people: [
    'addresses',
    'orders!person_id',
    'orders!billed_to',
    'big_orders',
    'people!manager_id',
    'manager_id',
  ],
  addresses: ['people'],
  orders: ['people!person_id', 'tags', 'order_tags'],
  tags: ['orders', 'order_tags'],
  adults: ['addresses'],
}
const VALUES = [
  ...['1', '-1', '0', 'Ann', '', 'null', '*', '2020-01-01', '{1,2}', '{"a":1}', '[1,3)', '"quoted, )"'],
  ...["'; drop table people --", '%00', '%F0%9F%98%80', '(((', '\\', '9'.repeat(40), 'a.b.c', ','],
]
const OPERATORS = [
  ...[
    'eq',
    'neq',
    'gt',
    'gte',
    'lt',
    'lte',
    'like',
    'ilike',
    'match',
    'imatch',
    'is',
    'isdistinct',
    'in',
    'cs',
  ],
  ...[
    'cd',
    'ov',
    'sl',
    'sr',
    'nxr',
    'nxl',
    'adj',
    'fts',
    'plfts',
    'phfts(english)',
    'wfts',
    'eq(any)',
    'like(all)',
  ],
]

class Maker {
  readonly #random: Random
  /** Values come from a source of their own, so that they can differ while all else stays. */
  readonly #values: Random

  constructor(shape: number, values: number) {
    this.#random = random(shape)
    this.#values = random(values)
  }

  chance = (probability: number) => this.#random() < probability
  pick = <T>(list: readonly T[]): T => list[Math.floor(this.#random() * list.length)] as T
  some = (max: number) => Array.from({ length: Math.floor(this.#random() * (max + 1)) }, (_, i) => i)
  value = () => VALUES[Math.floor(this.#values() * VALUES.length)] ?? ''

  field(table: string): string {
    const name = this.pick(TABLES[table] ?? ['id'])
    if (name === 'data' && this.chance(0.7))
      return `data${this.pick(['->a', '->>a', '->langs->0', '->size->>shoe'])}`
    return this.chance(0.05) ? '"odd ""name"' : name
  }

  condition(inTree: boolean): string {
    const operator = this.pick(OPERATORS)
    const not = this.chance(0.2) ? 'not.' : ''
    if (operator === 'is') return `${not}is.${this.pick(['null', 'not_null', 'true', 'unknown'])}`
    const value = inTree ? `"${this.value().replace(/["\\]/g, '')}"` : this.value()
    return operator === 'in' ? `${not}in.("${value.replace(/["\\]/g, '')}",b)` : `${not}${operator}.${value}`
  }

  tree(table: string, depth: number): string {
    const members = [1, ...this.some(2)].map(() =>
      depth > 0 && this.chance(0.4)
        ? `${this.chance(0.3) ? 'not.' : ''}${this.pick(['and', 'or'])}${this.tree(table, depth - 1)}`
        : `${this.field(table)}.${this.condition(true)}`,
    )
    return `(${members.join(',')})`
  }

  select(table: string, depth: number): string {
    const fields = [1, ...this.some(2)].map(() => {
      const alias = this.chance(0.2) ? 'renamed:' : ''
      const cast = this.chance(0.15) ? this.pick(['::text', '::int', '::double precision']) : ''
      const aggregate = this.chance(0.08) ? this.pick(['.count()', '.max()', '.sum()::text']) : ''
      return this.chance(0.3) ? '*' : `${alias}${this.field(table)}${cast}${aggregate}`
    })
    const embeds =
      depth === 0
        ? []
        : this.some(2).map(() => {
            const embed = this.pick(EMBEDS[table] ?? ['nothing'])
            const [name = ''] = embed.split('!')
            const target = TABLES[name] === undefined ? 'people' : name
            const inner = this.chance(0.2) ? '' : this.select(target, depth - 1)
            return `${this.chance(0.25) ? '...' : ''}${embed}${this.chance(0.3) ? '!inner' : ''}(${inner})`
          })
    return [...fields, ...embeds].join(',')
  }

  target(): string {
    const table = this.pick(Object.keys(TABLES))
    const parts = [
      this.chance(0.8) ? `select=${this.select(table, 2)}` : '',
      ...this.some(2).map(() => `${this.field(table)}=${this.condition(false)}`),
      this.chance(0.4) ? `${this.pick(['or', 'and', 'not.or'])}=${this.tree(table, 2)}` : '',
      this.chance(0.4) ? `order=${this.field(table)}${this.pick(['', '.desc', '.asc.nullsfirst'])}` : '',
      this.chance(0.3) ? `limit=${this.pick(['0', '1', '50', '-1', 'x'])}` : '',
      this.chance(0.2) ? `offset=${this.pick(['0', '1', '9999'])}` : '',
      this.chance(0.15) ? `${(EMBEDS[table]?.[0] ?? 'x').split('!')[0]}.limit=1` : '',
    ].filter((part) => part !== '')
    return `/${table}?${parts.join('&')}`
  }

  headers(): Record<string, string> {
    return {
      ...(this.chance(0.3)
        ? { prefer: this.pick(['count=exact', 'count=planned', 'count=estimated', 'handling=strict,odd']) }
        : {}),
      ...(this.chance(0.3)
        ? {
            accept: this.pick([
              'text/csv',
              'application/vnd.pgrst.object+json',
              'application/vnd.pgrst.array+json;nulls=stripped',
              'x/y',
              '*/*;q=0.1',
            ]),
          }
        : {}),
      ...(this.chance(0.1) ? { range: this.pick(['0-1', '5-2', 'odd']) } : {}),
    }
  }
}

const encoded = (target: string) =>
  target.replace(/[^A-Za-z0-9%/?&=.,:!*()_~-]/g, (c) => encodeURIComponent(c))

test('whatever the grammar yields is answered, and never with a 500', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const maker = new Maker(seed, seed)
    const target = encoded(maker.target())
    const { status, text } = await rest.get(target, { headers: maker.headers() })
    expect(status, `seed ${seed}: ${target}\n${text}`).toBeLessThan(500)
  }
})

test('the same request with other values is the same SQL', () => {
  let compared = 0
  for (let seed = 1; seed <= 3_000; seed++) {
    const [one, other] = [seed, seed + 100_000].map((values) =>
      textOf(encoded(new Maker(seed, values).target())),
    )
    if (one === null || other === null || one === undefined || other === undefined) continue
    expect(other, `seed ${seed}`).toBe(one)
    compared++
  }
  expect(compared).toBeGreaterThan(500)
})

/** Null where the request is refused. */
function textOf(target: string): string | null {
  const [path = '', queryString = ''] = target.split('?')
  const raw = { method: 'GET', path, queryString, headers: {}, body: Buffer.alloc(0) }
  try {
    const request = parseRequest(raw, snapshot.settings, () => false)
    const plan = planStatement({ cache: snapshot.schema, settings: snapshot.settings, request })
    return compile(plan, request.preferences, snapshot.settings).main.text
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}
