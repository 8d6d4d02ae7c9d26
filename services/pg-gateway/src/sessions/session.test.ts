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

test('the owner signs in by postgres.<ref> and is postgres in his own database', async () => {
  const client = await gateway.connect('session', project)
  const { rows } = await client.query<Record<string, string>>(
    'select current_user, current_database() as database, $1::int + 1 as sum',
    [41],
  )
  expect(rows).toEqual([{ current_user: 'postgres', database: project.database, sum: 42 }])
})
