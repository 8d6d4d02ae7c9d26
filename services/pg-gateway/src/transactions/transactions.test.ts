import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPgGateway, type TestGateway } from '../../test/start-pg-gateway.ts'
import type { TestProject } from '@favo/testkit'

let gateway: TestGateway
let project: TestProject
beforeAll(async () => {
  gateway = await startPgGateway()
  project = await gateway.newProject()
})
afterAll(() => gateway.close())

test('clients of the transaction port share backends', async () => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => gateway.connect('transaction', project)))
  const rows = await Promise.all(
    clients.map(
      async (client, i) => (await client.query<{ n: number }>('select $1::int as n', [i])).rows[0]?.n,
    ),
  )
  expect(rows).toEqual(clients.map((_, i) => i))
  expect(gateway.gateway.stats().backends).toBeLessThanOrEqual(5)
})
