import { startPlatform } from '@favo/testkit'
import { expect, test } from 'vitest'

test('a project’s REST settings are in force with the next request, and for that project alone', async () => {
  const platform = await startPlatform()
  const [project, other] = [await platform.createProject(), await platform.createProject()]
  for (const { ref } of [project, other])
    await platform.api('POST', `/v1/projects/${ref}/database/query`, {
      query: `create table items (id int primary key); insert into items select generate_series(1, 5);
        create schema api; create table api.hidden (id int); grant usage on schema api to anon; grant all on api.hidden to anon;`,
    })
  const read = async (which: typeof project, path: string, headers: Record<string, string> = {}) => {
    const reply = await fetch(`${which.path_url}/rest/v1/${path}`, {
      headers: { apikey: which.keys.anon, ...headers },
    })
    return { status: reply.status, body: (await reply.json()) as unknown }
  }
  const plan = { accept: 'application/vnd.pgrst.plan+json' }
  expect((await read(project, 'items?select=id.sum()')).status).toBe(400)
  expect((await read(project, 'items', plan)).status).toBe(406)

  const saved = await platform.api('PATCH', `/v1/projects/${project.ref}/postgrest`, {
    db_schema: 'public, api',
    max_rows: 2,
    db_aggregates_enabled: true,
    db_plan_enabled: true,
  })
  expect(saved).toMatchObject({ db_schema: 'public, api', max_rows: 2, db_aggregates_enabled: true })
  expect(await read(project, 'items?select=id.sum()')).toEqual({ status: 200, body: [{ sum: 15 }] })
  expect(await read(project, 'items?select=id')).toMatchObject({ body: [{ id: 1 }, { id: 2 }] })
  expect((await read(project, 'items', plan)).status).toBe(200)
  expect(await read(project, 'hidden', { 'accept-profile': 'api' })).toEqual({ status: 200, body: [] })

  expect((await read(other, 'items?select=id.sum()')).status).toBe(400)
  expect((await read(other, 'hidden', { 'accept-profile': 'api' })).status).toBe(406)
  await platform.api('PATCH', `/v1/projects/${project.ref}/postgrest`, { db_tx_end: 'sometimes' }, 422)
})
