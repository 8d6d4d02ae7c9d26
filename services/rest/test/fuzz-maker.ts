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
/** Values that fit, so that not all is refused. */
const FITTING: Record<string, readonly unknown[]> = {
  ...Object.fromEntries(['id', 'person_id', 'a', 'b'].map((name) => [name, [1, 2, 3, 700, '701']])),
  ...Object.fromEntries(['name', 'city', 'label'].map((name) => [name, ['Ann', 'Ülm', '', 'x,"y"']])),
  born: ['2001-02-03', null],
  data: [{ a: [1] }, [], 'text'],
  manager_id: [1, null],
  total: [1.25, '3'],
  placed_at: ['2026-01-01T00:00:00Z', 'now'],
  words: [['x', 'y'], []],
}
/** Names of their parameters; '' is one without a name. */
const FUNCTIONS: Record<string, readonly string[]> = {
  everybody: [],
  add: ['a', 'b'],
  joined: ['words'],
  whole: [],
  size_of: [],
  add_tag: ['id'],
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

/** Requests to the shop's schema, made from the dialect's grammar with a seed: the same ones each time. */
export class Maker {
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

  /** A body's value: of JSON's kinds, and often of the wrong type. */
  json(depth: number): unknown {
    if (depth > 0 && this.chance(0.15)) return this.some(2).map(() => this.json(depth - 1))
    if (depth > 0 && this.chance(0.1)) return { [this.pick(['a', 'id', ''])]: this.json(depth - 1) }
    return this.pick([null, true, 0, -1.5, 1e21, 42, this.value(), '\u0000'.slice(this.chance(0.9) ? 1 : 0)])
  }

  fitting(name: string): unknown {
    const list = FITTING[name]
    return list !== undefined && this.chance(0.85) ? this.pick(list) : this.json(2)
  }

  row(table: string): Record<string, unknown> {
    const names = [1, ...this.some(2)].map(() =>
      this.chance(0.05) ? 'odd' : this.pick(TABLES[table] ?? ['id']),
    )
    return Object.fromEntries(names.map((name) => [name, this.fitting(name)]))
  }

  body(table: string): { type: string; text: string } {
    const rows = [1, ...this.some(2)].map(() => this.row(table))
    if (this.chance(0.1)) {
      const names = Object.keys(rows[0] ?? {})
      const lines = rows.map((row) =>
        names.map((name) => `"${String(row[name]).replaceAll('"', '""')}"`).join(','),
      )
      return { type: 'text/csv', text: [names.join(','), ...lines].join(this.pick(['\n', '\r\n'])) }
    }
    if (this.chance(0.1)) {
      const pairs = Object.entries(rows[0] ?? {}).map(([name, value]) => [name, String(value)])
      return { type: 'application/x-www-form-urlencoded', text: new URLSearchParams(pairs).toString() }
    }
    const text = JSON.stringify(this.chance(0.5) ? rows[0] : rows)
    const type = this.pick([
      'application/json',
      'application/json',
      'application/json',
      'text/plain',
      'odd/type',
    ])
    return { type, text: this.chance(0.05) ? text.slice(0, -2) : text }
  }

  write(): { method: string; target: string; headers: Record<string, string>; body: string } {
    const table = this.chance(0.03) ? 'nothing' : this.pick(['people', 'addresses', 'orders', 'tags'])
    const [key = 'id'] = TABLES[table] ?? []
    const keyed = `${key}=eq.${String(this.fitting(key))}`
    const method = this.pick(['POST', 'POST', 'PATCH', 'DELETE', 'PUT'])
    const parts = [
      this.chance(0.2) ? `select=${this.select(table, 1)}` : '',
      this.chance(0.15) ? `columns=${this.pick(TABLES[table] ?? ['id'])}` : '',
      this.chance(0.15) ? `on_conflict=${this.chance(0.6) ? key : this.field(table)}` : '',
      method === 'POST' ? '' : this.chance(0.7) ? keyed : `${this.field(table)}=${this.condition(false)}`,
      this.chance(0.1) ? `or=${this.tree(table, 1)}` : '',
      this.chance(0.1) ? `order=${this.field(table)}&limit=${this.pick(['1', 'x'])}` : '',
    ]
    const { type, text } = this.body(table)
    const prefer = [
      this.pick(['return=representation', 'return=minimal', 'return=headers-only', '']),
      this.pick(['resolution=merge-duplicates', 'resolution=ignore-duplicates', '', '']),
      this.pick(['missing=default', '', '']),
      this.pick(['handling=strict', 'max-affected=1', 'handling=strict,max-affected=0', '', '']),
      this.pick(['count=exact', 'tx=rollback', 'timezone=Asia/Tokyo', '', '']),
    ]
    return {
      method,
      target: `/${table}?${parts.filter((part) => part !== '').join('&')}`,
      headers: {
        ...(this.chance(0.3) ? this.headers() : {}),
        prefer: prefer.filter((p) => p !== '').join(','),
        'content-type': type,
      },
      body: text,
    }
  }

  call(): { method: string; target: string; headers: Record<string, string>; body: string | undefined } {
    const name = this.pick(this.chance(0.05) ? ['nothing'] : Object.keys(FUNCTIONS))
    const given = (FUNCTIONS[name] ?? []).filter(() => this.chance(0.9))
    const isGet = this.chance(0.5)
    const filters = this.chance(0.4)
      ? [`select=${this.select('people', 1)}`, `order=${this.field('people')}`]
      : []
    const args = isGet ? given.map((arg) => `${arg}=${String(this.fitting(arg))}`) : []
    const row = Object.fromEntries(given.map((arg) => [arg, this.fitting(arg)]))
    return {
      method: isGet ? 'GET' : 'POST',
      target: `/rpc/${name}?${[...args, ...filters].join('&')}`,
      headers: {
        ...this.headers(),
        'content-type': this.pick(['application/json', 'text/plain', 'application/octet-stream']),
      },
      body: isGet ? undefined : JSON.stringify(this.chance(0.9) ? row : [row]),
    }
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

export const encoded = (target: string) =>
  target.replace(/[^A-Za-z0-9%/?&=.,:!*()_~-]/g, (c) => encodeURIComponent(c))
