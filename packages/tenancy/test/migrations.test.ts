import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { interpose, splitStatements } from '@favo/interposer'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTenants, type Tenants } from './tenants.ts'

/** Migrations as projects on Supabase have them, one after the other in one project. Each statement by itself. */
const directory = join(import.meta.dirname, 'migrations')
const files = readdirSync(directory).sort()

let tenants: Tenants
beforeAll(async () => {
  tenants = await startTenants()
})
afterAll(() => tenants.close())

async function run(session: Client, source: string): Promise<void> {
  for (const { text } of await splitStatements(source)) {
    const [piece] = await interpose(text)
    try {
      await session.query(piece?.sql ?? text)
    } catch (error) {
      throw new Error(`${text}\n${piece?.sql ?? ''}\n${(error as Error).message}`, { cause: error })
    }
  }
}

test('there are at least thirty', () => {
  expect(files.length).toBeGreaterThanOrEqual(30)
})

describe('run unchanged, statement by statement', () => {
  test.each(files)('%s', async (file) => {
    const session = await tenants.login(tenants.attacker, 'own')
    await run(session, readFileSync(join(directory, file), 'utf8'))
    await session.end()
  })
})
