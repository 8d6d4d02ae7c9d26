import { sql } from '@favo/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../src/compile/statement.ts'
import { bind } from '../src/execute/execute.ts'
import { parseRequest } from '../src/parse/request.ts'
import { planStatement } from '../src/plan/statement.ts'
import { loadSnapshot, type Snapshot } from '../src/schema-cache/load.ts'
import { shopSchema, startRest, type TestRest } from './start-rest.ts'

/** What the pure phases make of a request, and what Postgres makes of that. */
let rest: TestRest
let snapshot: Snapshot
beforeAll(async () => {
  rest = await startRest(shopSchema)
  snapshot = await loadSnapshot(rest.db, { schemas: ['public'], extraSearchPath: [], maxRows: null })
})
afterAll(() => rest.close())

const statementOf = (
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body = '',
  settings = snapshot.settings,
) => {
  const [path = '', queryString = ''] = target.split('?')
  const raw = {
    method,
    url: target,
    path,
    queryString,
    headers,
    headersKey: headers,
    body: Buffer.from(body),
  }
  const request = parseRequest(raw, settings, () => false)
  const plan = planStatement({ cache: snapshot.schema, settings, request })
  return { request, main: compile(plan, request.preferences, settings).main }
}

const SETTINGS = `nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), '')`

test.each([
  [
    '/people?id=gt.1&select=id&order=id.desc&limit=1',
    `select null, count(*), coalesce(json_agg(page), '[]'), ${SETTINGS} from (select * from (select "people"."id" from "public"."people" as "people" where "people"."id" > $1 order by "people"."id" desc limit 16) as pgrst_reach limit $2) as page`,
    ['1', '1'],
    '[{"id":3}]',
  ],
  [
    '/addresses?select=city,people(name)&city=in.(Ulm,Rom)',
    `select null, count(*), coalesce(json_agg(page), '[]'), ${SETTINGS} from (select "addresses"."city", row_to_json("addresses_people_1".*) as "people" from "public"."addresses" as "addresses" left join lateral (select "people_1"."name" from "public"."people" as "people_1" where "people_1"."id" = "addresses"."person_id") as "addresses_people_1" on true where "addresses"."city" = any($1)) as page`,
    ['{"Ulm","Rom"}'],
    '[{"city":"Ulm","people":{"name":"Ann"}}]',
  ],
  [
    '/orders?select=id,tags(id)&id=eq.2&tags.limit=1&tags.order=id',
    `select null, count(*), coalesce(json_agg(page), '[]'), ${SETTINGS} from (select "orders"."id", coalesce("orders_tags_1"."orders_tags_1", '[]') as "tags" from "public"."orders" as "orders" left join lateral (select json_agg("orders_tags_1") as "orders_tags_1" from (select * from (select "tags_1"."id" from "public"."tags" as "tags_1", "public"."order_tags" as "tags_1_junction" where "tags_1"."id" = "tags_1_junction"."tag_id" and "orders"."id" = "tags_1_junction"."order_id" order by "tags_1"."id" limit 16) as pgrst_reach limit $1) as "orders_tags_1") as "orders_tags_1" on true where "orders"."id" = $2) as page`,
    ['1', '2'],
    '[{"id":2,"tags":[{"id":1}]}]',
  ],
])('GET %s', async (target, text, values, body) => {
  const { request, main } = statementOf('GET', target)
  expect(main.text).toBe(text)
  const step = bind(main, request, 'anon')
  expect(step.values).toEqual(values)
  const role = { text: `select set_config('role', 'service_role', true)`, values: [], plan: null }
  const results = await rest.db.pipeline('svc', { isRead: true, steps: [role, step] })
  expect(results[1]?.rows[0]?.[2]?.toString()).toBe(body)
})

test.each([
  ['/orders?select=id,people!person_id(name)', 1],
  ['/people?select=id,addresses(city)', 1],
  ['/people?select=id,orders!person_id(id)', 2],
  ['/orders?select=id,adults!person_id(name)', 2],
  ['/people?select=id,big_orders(id)', 2],
])('of %s, what a unique key does not limit is limited to the most rows', (target, limits) => {
  const { main } = statementOf('GET', target, {}, '', { ...snapshot.settings, maxRows: 7 })
  expect(main.text.match(/ limit (7|16)/g)).toHaveLength(limits)
})

test('an insert offers the body as rows of the table’s types, and nothing of it is text', () => {
  const { request, main } = statementOf(
    'POST',
    '/tags?select=id',
    { prefer: 'return=representation' },
    '[{"id":5,"label":"x"}]',
  )
  expect(main.text).toBe(
    `with pgrst_source as (insert into "public"."tags" ("id", "label") select pgrst_body."id", pgrst_body."label" from json_to_recordset($1) as pgrst_body("id" integer, "label" text) returning "public"."tags"."id") select null, count(*), coalesce(json_agg(page), '[]'), ${SETTINGS}, null, null from (select "tags"."id" from pgrst_source as "tags") as page`,
  )
  expect(bind(main, request, 'anon')).toMatchObject({
    types: [114],
    values: [Buffer.from('[{"id":5,"label":"x"}]')],
  })
})

test.each([
  ['/people?id=eq.1', '/people?id=eq.2', true],
  ['/people?id=in.(1)', '/people?id=in.(1,2)', true],
  ['/people?limit=1', '/people?limit=5', true],
  ['/people?limit=5&offset=10', '/people?limit=1&offset=3', true],
  ['/people?limit=1', '/people?limit=500', false],
  ['/people?limit=1', '/people?offset=1', false],
  ['/people?data->a=eq.1', '/people?data->b=eq.1', false],
])('%s and %s share a text: %s', (one, other, same) => {
  expect(statementOf('GET', one).main.text === statementOf('GET', other).main.text).toBe(same)
  expect(statementOf('GET', one).request.shape === statementOf('GET', other).request.shape).toBe(same)
})

test.each(['/many?order=id&limit=10', '/many?order=id&limit=10&offset=20'])(
  'the plan of %s is made once and not for each request',
  async (target) => {
    await rest.owner(`
      create table if not exists many (id int primary key);
      insert into many select generate_series(1, 1000) on conflict do nothing; analyze many`)
    snapshot = await loadSnapshot(rest.db, { schemas: ['public'], extraSearchPath: [], maxRows: null })
    const { request, main } = statementOf('GET', target)
    const values = bind(main, request, 'anon').values.map((value) => `'${String(value)}'`)
    const plans = await rest.admin.transaction(async (tx) => {
      await tx.run(sql.trusted(`prepare reading as ${main.text}`))
      for (let i = 0; i < 8; i++) await tx.run(sql.trusted(`execute reading (${values.join(', ')})`))
      const made = await tx.one<{ generic: number }>(
        sql`select generic_plans::int as generic from pg_prepared_statements where name = 'reading'`,
      )
      await tx.run(sql`deallocate reading`)
      return made
    })
    expect(plans.generic).toBe(3)
  },
)
