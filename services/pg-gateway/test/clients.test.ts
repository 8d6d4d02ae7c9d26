/** What psql and pgbench do that node-postgres does not. Where they are not installed, these tests are skipped. */
import { execFile, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import { selfSignedCertificate } from '@favo/tokens'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPgGateway, type Port, type TestGateway } from './start-pg-gateway.ts'

let gateway: TestGateway
let project: TestProject
let folder: string
const password = `p'w "ü" \\ %40 = ;`
beforeAll(async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificate = `-----BEGIN CERTIFICATE-----\n${selfSignedCertificate(key, 'favo.localhost')}\n-----END CERTIFICATE-----\n`
  gateway = await startPgGateway({ certificate: { key, certificate } })
  project = await gateway.newProject()
  folder = await mkdtemp(join(tmpdir(), 'favo-psql-'))
  await writeFile(join(folder, 'root.pem'), certificate)
  // Psql has it from the environment, where nothing has to be escaped.
  const client = await gateway.connect('session', project)
  await client.query(`alter user postgres password '${password.replaceAll("'", "''")}'`)
  await client.end()
})
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true, force: true })
})

const run = promisify(execFile)
const has = (program: string) =>
  run(program, ['--version']).then(
    () => true,
    () => false,
  )
const hasPsql = await has('psql')
const hasPgbench = await has('pgbench')

const environment = (port: Port, more: Record<string, string> = {}) => ({
  ...process.env,
  PGHOST: '127.0.0.1',
  PGPORT: String(gateway.port[port]),
  PGUSER: `postgres.${project.project.ref}`,
  PGDATABASE: 'postgres',
  PGPASSWORD: password,
  ...more,
})
const psql = async (port: Port, commands: readonly string[], more: Record<string, string> = {}) =>
  run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', ...commands.flatMap((command) => ['-c', command])], {
    env: environment(port, more),
    maxBuffer: 64 * 2 ** 20,
  })

describe.each(['session', 'transaction'] as const)('psql on the %s port', (port) => {
  test.skipIf(!hasPsql)('signs in with a password of any characters, plain and encrypted', async () => {
    for (const PGSSLMODE of ['disable', 'prefer', 'require'])
      expect((await psql(port, [`select current_user`], { PGSSLMODE })).stdout).toBe('postgres\n')
    // Signed by itself: who insists on an authority is right not to go on.
    const verified = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: join(folder, 'root.pem') }
    await expect(psql(port, ['select 1'], verified)).rejects.toThrow('certificate verify failed')
    await expect(psql(port, ['select 1'], { PGPASSWORD: 'wrong' })).rejects.toThrow('password authentication failed')
  }) // prettier-ignore

  test.skipIf(!hasPsql)(
    'options of the environment hold, notices and large results come through',
    async () => {
      const options = { PGOPTIONS: '-c statement_timeout=4321 -c app.who=ann', PGAPPNAME: 'a name' }
      const shown = `select current_setting('statement_timeout'), current_setting('app.who'), current_setting('application_name')`
      expect((await psql(port, [shown, shown], options)).stdout).toBe(
        '4321ms|ann|a name\n4321ms|ann|a name\n',
      )
      const noisy = await psql(port, [`do $$ begin raise notice 'one'; raise warning 'two'; end $$`])
      expect(noisy.stderr).toMatch(/NOTICE: {2}one\nWARNING: {2}two/)
      const large = await psql(port, [`select repeat('x', 999) from generate_series(1, 20000)`])
      expect(large.stdout).toHaveLength(20_000_000)
    },
  )

  test.skipIf(!hasPsql)('copies both ways, describes, and repeats by \\watch', async () => {
    await writeFile(join(folder, `${port}.csv`), 'n,word\n1,"a, b"\n2,\n')
    const { stdout } = await psql(port, [
      `create table ${port}_words (n int primary key, word text)`,
      `\\copy ${port}_words from '${join(folder, `${port}.csv`)}' csv header`,
      `\\copy (select * from ${port}_words order by n) to stdout csv`,
      `\\d ${port}_words`,
      `\\dt *_words`,
      `\\df auth.uid`,
      `\\du`,
    ])
    expect(stdout).toMatch(/^1,"a, b"\n2,\nn\|integer\|\|not null\|\nword\|text/)
    const child = spawn('psql', ['-XAtq'], { env: environment(port), stdio: ['pipe', 'pipe', 'ignore'] })
    let out = ''
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stdin.write(`select 'beat' \\watch 0.05\n`)
    await expect.poll(() => out.match(/beat/g)?.length ?? 0).toBeGreaterThan(2)
    child.kill('SIGKILL')
  })

  test.skipIf(!hasPsql)('Ctrl-C ends the statement', async () => {
    const child = spawn('psql', ['-XAt'], { env: environment(port), stdio: ['pipe', 'pipe', 'pipe'] })
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (out += bytes.toString()))
    child.stdin.write(`select pg_sleep(60) as ${port}_sleep;\n`)
    await expect
      .poll(() =>
        project.admin.one(
          sql`select count(*)::int as n from pg_stat_activity where query like ${`select pg_sleep(60) as ${port}%`} and wait_event = 'PgSleep'`,
        ),
      )
      .toEqual({ n: 1 })
    child.kill('SIGINT')
    await expect.poll(() => out).toContain('canceling statement due to user request')
    child.kill('SIGKILL')
  })

  test.skipIf(!hasPgbench)('pgbench in all its modes', async () => {
    const env = environment(port)
    await run('pgbench', ['-i', '-q', '-s', '1', '-I', 'dtGvp'], { env })
    for (const mode of ['simple', 'extended', 'prepared']) {
      const { stdout } = await run('pgbench', ['-n', '-M', mode, '-c', '3', '-t', '15'], { env })
      expect(stdout, mode).toContain('transactions actually processed: 45/45')
      expect(stdout, mode).toContain('failed transactions: 0 ')
    }
  })
})

test.skipIf(!hasPsql)('psql hears what it listens to, on the session port alone', async () => {
  const { stdout } = await psql('session', ['listen news', `notify news, 'hello'`, 'select 1'])
  expect(stdout).toMatch(/Asynchronous notification "news" with payload "hello"/)
  await expect(psql('transaction', ['listen news'])).rejects.toThrow('not available on the transaction port')
})
