import { createServer } from 'node:http'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInstallation, type Installation, type ServerProcess } from '@favo/testkit'
import type { ProjectConnection } from '@favo/contracts'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'

const isRoot = userInfo().uid === 0

async function occupyPort() {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return { port: address.port, close: () => new Promise<void>((done) => void server.close(() => done())) }
}

describe('a new data folder', () => {
  let favo: Installation
  let first: ServerProcess
  let project: ProjectConnection

  beforeAll(async () => {
    favo = await createInstallation()
    first = await favo.start({ FAVO_LOG_LEVEL: 'debug' })
    project = await favo.createProject(first, { name: 'kept', db_pass: 'a-database-password' })
  }, 120_000)
  afterAll(() => favo.close())

  test('secrets and the run file are readable by their owner only', async () => {
    for (const path of [
      'secrets/master-key',
      'secrets/superuser-password',
      'secrets/bootstrap-token',
      'run/favo.json',
    ])
      expect((await stat(join(favo.home, path))).mode & 0o777, path).toBe(0o600)
    expect((await stat(join(favo.home, 'secrets'))).mode & 0o777).toBe(0o700)
  })

  test('nothing secret is printed or logged by a start and a creation', async () => {
    const secrets = [
      ...(await Promise.all(
        ['master-key', 'superuser-password', 'bootstrap-token'].map((name) =>
          readFile(join(favo.home, 'secrets', name), 'utf8'),
        ),
      )),
      project.jwt_secret,
      project.keys.service_role,
      project.keys.secret,
      'a-database-password',
    ]
    for (const secret of secrets) expect(first.output()).not.toContain(secret.trim())
  })

  test('what was acknowledged outlives a power cut: writes are synced, and pages written whole', async () => {
    const admin = new pg.Client(await favo.adminUrl())
    await admin.connect()
    onTestFinished(() => admin.end())
    const { rows } = await admin.query<{ name: string }>(
      `select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'on'`,
    )
    expect(rows).toHaveLength(3)
  })

  test('a second start reuses everything, and SIGTERM stops every process of it', async () => {
    const postmaster = await first.postmasterPid()
    expect(await first.end('SIGTERM')).toBe(0)
    expect(() => process.kill(postmaster, 0)).toThrow('ESRCH')
    await expect(stat(join(favo.home, 'run/favo.json'))).rejects.toThrow('ENOENT')

    first = await favo.start()
    const reply = await fetch(`${first.apiUrl}/p/${project.ref}/auth/v1/settings`, {
      headers: { apikey: project.keys.anon },
    })
    expect(reply.status).toBe(200)
    expect(await first.end('SIGINT')).toBe(0)
  })
})

describe('while a platform runs', () => {
  let favo: Installation
  let running: ServerProcess
  let databasePort: number

  beforeAll(async () => {
    favo = await createInstallation({ isUsed: true })
    const taken = await occupyPort()
    databasePort = taken.port
    running = await favo.start({ FAVO_DB_PORT: String(databasePort) })
    await taken.close()
  }, 120_000)
  afterAll(() => favo.close())

  test('a database port that was taken has given way', async () => {
    expect(Number(new URL(await favo.adminUrl()).port)).not.toBe(databasePort)
  })

  test('a second one on the same data folder is refused with a sentence', async () => {
    await expect(favo.start()).rejects.toThrow(/already runs on this data folder \(pid \d+\)/)
  })

  test('one on another data folder leaves it the default port', async () => {
    const other = await createInstallation({ isUsed: true })
    expect((await other.start()).apiUrl).not.toBe(running.apiUrl)
  })
})

test('a chosen port that is taken is named', async () => {
  const favo = await createInstallation()
  const { port, close } = await occupyPort()
  onTestFinished(close)
  await expect(favo.start({ FAVO_PORT: String(port) })).rejects.toThrow(
    `FAVO_PORT: port ${port} on 127.0.0.1 is taken`,
  )
})

test('every bad setting is named, with what it should be', async () => {
  const favo = await createInstallation()
  const start = favo.start({
    FAVO_PORT: 'eight',
    FAVO_DOMAIN: 'not a host',
    FAVO_PUBLIC_URL: 'ftp://x',
    FAVO_LOG_LEVEL: 'loud',
    FAVO_BODY_LIMIT: '5',
  })
  const message = await start.then(
    () => '',
    (error: unknown) => String(error),
  )
  expect(message).toContain('FAVO_PORT: must be a whole number from 1 to 65535')
  expect(message).toContain('FAVO_DOMAIN: must be a host name such as favo.example.com')
  expect(message).toContain('FAVO_PUBLIC_URL: must be a URL such as https://favo.example.com')
  expect(message).toContain('FAVO_LOG_LEVEL: must be debug, info, warn, error or silent')
  expect(message).toContain('FAVO_BODY_LIMIT is not a setting of Favo; did you mean FAVO_BODY_LIMIT_MB?')
  expect(message).not.toMatch(/\bat .*\.ts:\d+/)
})

test('a data folder that cannot be made is named', async () => {
  const favo = await createInstallation()
  const base = await mkdtemp(join(tmpdir(), 'favo-file-'))
  onTestFinished(() => rm(base, { recursive: true }))
  await writeFile(join(base, 'file'), '')
  await expect(favo.start({ FAVO_HOME: join(base, 'file/home') })).rejects.toThrow(
    `FAVO_HOME: ${join(base, 'file/home')} cannot be made`,
  )
})

test.runIf(isRoot)('a data folder that Postgres’ user cannot reach is named, with what to do', async () => {
  const favo = await createInstallation()
  const base = await mkdtemp(join(tmpdir(), 'favo-closed-')) // mode 0700
  onTestFinished(() => rm(base, { recursive: true }))
  await expect(favo.start({ FAVO_HOME: join(base, 'home') })).rejects.toThrow(
    /cannot be reached by the user "/,
  )
})

test('a damaged master key is told, and nothing is started on it', async () => {
  const favo = await createInstallation()
  await mkdir(join(favo.home, 'secrets'), { recursive: true })
  await writeFile(join(favo.home, 'secrets/master-key'), 'half a k')
  await expect(favo.start()).rejects.toThrow(/master-key is damaged: it must hold 64 hex digits/)
})

test('a superuser password that does not fit the cluster is told, and no stack trace is shown', async () => {
  const favo = await createInstallation({ isUsed: true })
  await writeFile(join(favo.home, 'secrets/superuser-password'), 'another')
  const message = await favo.start().then(
    () => '',
    (error: unknown) => String(error),
  )
  expect(message).toContain('superuser-password')
  expect(message).not.toMatch(/\bat .*\.ts:\d+/)
})
