import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../src/compile/statement.ts'
import { ApiError } from '../src/errors/api-error.ts'
import { parseRequest } from '../src/parse/request.ts'
import { planStatement } from '../src/plan/statement.ts'
import { loadSnapshot, type Snapshot } from '../src/schema-cache/load.ts'
import { encoded, Maker } from './fuzz-maker.ts'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

/** Requests made from the grammar, with a seed: the same ones each time. */
let rest: TestRest
let snapshot: Snapshot
beforeAll(async () => {
  rest = await startRest(`${shopSchema}
    create function add(a int, b int default 1) returns int language sql immutable as $$ select a + b $$;
    create function joined(variadic words text[]) returns text language sql immutable as
      $$ select array_to_string(words, '-') $$;
    create function everybody() returns setof people language sql stable as $$ select * from people $$;
    create function whole(json) returns json language sql immutable as $$ select $1 $$;
    create function size_of(bytea) returns int language sql immutable as $$ select length($1) $$;
    create function add_tag(id int) returns setof tags language sql volatile as
      $$ insert into tags values ($1, 'f' || $1) returning * $$;
    create table canary (id int); insert into canary values (1)`)
  const settings = { schemas: ['public'], extraSearchPath: [], maxRows: 100, aggregatesEnabled: true }
  snapshot = await loadSnapshot(rest.db, settings)
})
afterAll(() => rest.close())

test('whatever the grammar yields is answered, and never with a 500', { timeout: 120_000 }, async () => {
  const ask = async (seed: number) => {
    const maker = new Maker(seed, seed)
    const target = encoded(maker.target())
    const { status, text } = await rest.get(target, { headers: maker.headers() })
    expect(status, `seed ${seed}: ${target}\n${text}`).toBeLessThan(500)
  }
  for (let seed = 1; seed <= 400; seed += 10)
    await Promise.all(Array.from({ length: 10 }, (_, i) => ask(seed + i)))
})

test(
  'whatever is written or called is answered, never with a 500, and leaves nothing behind',
  { timeout: 120_000 },
  async () => {
    const statuses = new Map<number, number>()
    for (let seed = 1; seed <= 300; seed++) {
      const maker = new Maker(seed, seed)
      const { method, target, headers, body } = seed % 3 === 0 ? maker.call() : maker.write()
      const { status, text } = await rest.ask(method, encoded(target), { headers, body })
      expect(
        status,
        `seed ${seed}: ${method} ${target}\n${body}\n${JSON.stringify(headers)}\n${text}`,
      ).toBeLessThan(500)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    // Not all of it may be refused, or nothing has been tried.
    for (const status of [200, 201, 204, 400])
      expect(statuses.get(status) ?? 0, `${status}`).toBeGreaterThan(2)
    expect((await rest.get('/canary')).text).toBe('[{"id":1}]')
    await expect.poll(() => rest.pools.stats()).toMatchObject({ waiting: 0, opening: 0 })
    const { connections, idle } = rest.pools.stats()
    expect(idle).toBe(connections)
  },
)

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
  const raw = {
    method: 'GET',
    url: target,
    path,
    queryString,
    headers: {},
    headersKey: {},
    body: Buffer.alloc(0),
  }
  try {
    const request = parseRequest(raw, snapshot.settings, () => false)
    const plan = planStatement({ cache: snapshot.schema, settings: snapshot.settings, request })
    return compile(plan, request.preferences, snapshot.settings).main.text
  } catch (error) {
    if (error instanceof ApiError) return null
    throw error
  }
}
