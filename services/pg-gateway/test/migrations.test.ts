import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { splitStatements } from '@favo/interposer'
import type { TestProject } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPgGateway, type TestGateway } from './start-pg-gateway.ts'

const directory = resolve(import.meta.dirname, '../../../packages/tenancy/test/migrations')

let gateway: TestGateway
let project: TestProject
let password: string
beforeAll(async () => {
  gateway = await startPgGateway()
  project = await gateway.newProject()
  password = decodeURIComponent(new URL(project.ownerUrl).password)
})
afterAll(() => gateway.close())

/** As psql sends a file: a simple query for each statement. */
async function run(file: string): Promise<void> {
  const client = await gateway.connect('session', project, { password })
  for (const { text } of await splitStatements(readFileSync(join(directory, file), 'utf8')))
    await client.query(text).catch((error: Error) => {
      throw new Error(`${file}: ${text}: ${error.message}`)
    })
  await client.end()
}

test('migrations of real projects run unchanged through the session port', async () => {
  for (const file of readdirSync(directory).sort()) {
    await run(file)
    if (file.includes('password')) password = 'n3w-Passw0rd!'
  }
})

test('a role that one of them made signs in under its own name, with its own rights and settings', async () => {
  const client = await gateway.connect('session', project, {
    user: `metabase.${project.project.ref}`,
    password: `a "strong" one; it's $long$`,
  })
  const { rows } = await client.query(
    `select current_setting('statement_timeout') as timeout, count(*)::int as orders from public.orders`,
  )
  expect(rows).toEqual([{ timeout: '90s', orders: 0 }])
  await expect(client.query('insert into public.orders default values')).rejects.toMatchObject({ code: '42501' })
  await expect(client.query('set role postgres')).rejects.toMatchObject({ code: '42501' })
  await expect(client.query(`alter user postgres password 'taken'`)).rejects.toMatchObject({ code: '42501' })
}) // prettier-ignore
