import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { extensionsDirectory } from '../../index.ts'
import { extensionRules } from './extension-rules.ts'

interface Available {
  readonly name: string
  readonly trusted: boolean
  readonly superuser: boolean
}

const look = async (available: readonly Available[]) => {
  const session = { many: async () => available as never[], run: async () => undefined }
  const context = { endpoint: { host: 'x', port: 1 }, platformId: null }
  return Promise.all(extensionRules.map((rule) => rule(session, context)))
}
const extension = (name: string, trusted = true): Available => ({ name, trusted, superuser: true })
const needed = [extension('pgcrypto'), extension('uuid-ossp')]

test('a server without contrib holds no project', async () => {
  expect((await look([extension('pgcrypto')]))[0]).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('uuid-ossp') as string,
  })
})

test('a language that customers could create is refused, one that they cannot is not', async () => {
  expect((await look([...needed, extension('plperl')]))[0]).toMatchObject({
    status: 'failed',
    message: expect.stringContaining('plperl') as string,
  })
  expect((await look([...needed, extension('plperl', false)]))[0]?.status).toBe('warning')
})

test('what migrations would miss is named, also where only a superuser may create it', async () => {
  const names = readdirSync(extensionsDirectory).flatMap((file) => file.match(/^(.*)\.control$/)?.[1] ?? [])
  const shipped = names.filter((name) => !/perl|tcl/.test(name)).map((name) => extension(name))
  expect((await look([...needed, ...shipped]))[0]?.status).toBe('ok')
  const real = shipped.map((row) => (row.name === 'pg_cron' ? { ...row, trusted: false } : row))
  expect((await look([...needed, ...real]))[0]).toMatchObject({
    status: 'warning',
    message: 'Migrations that create one of these fail: pg_cron.',
  })
})
