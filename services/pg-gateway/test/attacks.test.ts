/** What one tenant tries against another through the gateway, and what strangers send instead of the protocol. */
import { sql } from '@favo/postgres'
import type { TestProject } from '@favo/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RawClient, randomFrom, startup } from './raw-client.ts'
import { startPgGateway, type Port, type TestGateway } from './start-pg-gateway.ts'

let gateway: TestGateway
let attacker: TestProject
let victim: TestProject
beforeAll(async () => {
  gateway = await startPgGateway({ config: { handshakeMs: 2_000 } })
  attacker = await gateway.newProject()
  victim = await gateway.newProject()
  await victim.owner(`create table secrets (word text); insert into secrets values ('honey')`)
})
afterAll(() => gateway.close())

const ports: readonly Port[] = ['session', 'transaction']

describe.each(ports)('through the %s port', (port) => {
  const attempts = (): readonly (readonly [what: string, text: string])[] => [
    ['the superuser', 'set role favo_admin'],
    ['the superuser’s session', 'set session authorization favo_admin'],
    ['the victim’s owner', `set role ${victim.database}_db`],
    ['the victim’s service login', `set role ${victim.database}_svc`],
    ['its own service login', `set role ${attacker.database}_svc`],
    ['its own API login', `set session authorization ${attacker.database}_api`],
    ['the victim’s password', `alter role ${victim.database}_db password 'mine now'`],
    ['its own login’s limit', `alter role ${attacker.database}_db connection limit 1000`],
    ['the victim’s membership', `grant ${victim.database} to ${attacker.database}_db`],
    ['another database', `create database p_another`],
    ['the victim’s database', `drop database ${victim.database}`],
    ['the victim’s settings', `alter database ${victim.database} set work_mem = '1GB'`],
    ['verifiers', 'select rolpassword from pg_authid'],
    ['files', `select pg_read_file('/etc/passwd')`],
    ['programs', `copy (select 1) to program 'true'`],
    ['the server’s files', `copy (select 1) to '/tmp/favo-attack'`],
    ['the server’s configuration', 'alter system set work_mem = 1'],
    ['replication', `select pg_create_logical_replication_slot('x', 'pgoutput')`],
    ['prepared statements of the gateway', 'select * from pg_prepared_statements'],
    ['prepared transactions', `begin; prepare transaction 'x'`],
  ]

  test('what belongs to others, or to the cluster, stays out of reach', async () => {
    const client = await gateway.connect(port, attacker)
    for (const [what, text] of attempts()) {
      const outcome = await client.query(text).then(
        () => 'done',
        ({ code }: { code: string }) => code,
      )
      expect(outcome, what).toMatch(/^(42501|42704|55000|22023|0A000)$/)
      await client.query('rollback')
      expect((await whoIs(client)).user, what).toBe('postgres')
    }
    await client.end()
  })

  test('nothing of the victim is in sight', async () => {
    const client = await gateway.connect(port, attacker)
    const held = await gateway.connect(port, victim)
    await held.query('begin; select word from secrets')
    const { rows } = await client.query<{ seen: string }>(
      `select coalesce(string_agg(datname || usename || query, ' '), '') as seen from pg_stat_activity`,
    )
    expect(rows[0]?.seen).not.toContain(victim.database)
    expect(rows[0]?.seen).not.toContain('secrets')
    await held.query('rollback')
    await Promise.all([client.end(), held.end()])
  })

  test('the victim’s backend cannot be cancelled or ended, by SQL or by guessing keys', async () => {
    const client = await gateway.connect(port, attacker)
    const held = await gateway.connect(port, victim)
    await held.query('begin')
    const { processID, secretKey } = held as unknown as { processID: number; secretKey: number }
    const { pid } = await whoIs(held)
    const sleeping = held.query('select pg_sleep(0.5), 1 as done')
    for (const call of [`pg_cancel_backend(${pid})`, `pg_terminate_backend(${pid})`])
      await expect(client.query(`select ${call}`)).rejects.toMatchObject({ code: '42501' })
    for (const guess of [0, 1, -1, secretKey ^ 1]) await gateway.cancel(port, processID, guess)
    await gateway.cancel(port, pid, secretKey === 0 ? 1 : ~secretKey)
    expect((await sleeping).rows).toHaveLength(1)
    await held.query('rollback')
    await Promise.all([client.end(), held.end()])
  })

  test('malformed packets end in a refusal, not in a crash or a hang', { timeout: 30_000 }, async () => {
    const random = randomFrom(`malformed ${port}`)
    const bytes = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
    const good = startup({ user: `postgres.${attacker.project.ref}`, database: 'postgres' })
    const packets = [
      ...Array.from({ length: 40 }, () => bytes(1 + Math.floor(random() * 200))),
      // A good beginning that goes wrong somewhere.
      ...Array.from({ length: 40 }, () => {
        const broken = Buffer.from(good)
        broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256)
        return broken
      }),
      ...Array.from({ length: 20 }, () => Buffer.concat([good, Buffer.from('p'), bytes(60)])),
      Buffer.concat([good, Buffer.from('p'), Buffer.from([0x7f, 0xff, 0xff, 0xff])]),
      Buffer.concat([good, Buffer.from('Q'), Buffer.from([0, 0, 0, 13]), Buffer.from('select 1\0')]),
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      Buffer.from([0, 0, 0, 4]),
      Buffer.from([0, 0, 0, 8, 4, 210, 22, 46]),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.concat(Array.from({ length: 10 }, () => Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))),
      startup({ user: 'x'.repeat(20_000) }),
    ]
    await Promise.all(
      packets.map(async (packet) => {
        const client = new RawClient(gateway.port[port])
        client.send(packet)
        expect(await client.rest()).not.toContain('SFATAL\0VFATAL\0CXX')
      }),
    )
    expect(gateway.logLines.filter(({ level }) => Number(level) >= 50)).toEqual([])
    const client = await gateway.connect(port, attacker)
    expect((await whoIs(client)).user).toBe('postgres')
    await client.end()
  })

  test('nonsense after the sign-in hurts nobody but its sender', { timeout: 30_000 }, async () => {
    const random = randomFrom(`nonsense ${port}`)
    const types = 'QPBDECSHFdcfXpz01'
    const held = await gateway.connect(port, victim)
    for (let i = 0; i < 25; i++) {
      const client = await gateway.connect(port, attacker)
      const { stream } = (client as unknown as { connection: { stream: RawClient['socket'] } }).connection
      for (let j = 0; j < 6; j++) {
        const length = Math.floor(random() * 40)
        const head = Buffer.alloc(5)
        head.write(types[Math.floor(random() * types.length)] ?? 'Q', 'latin1')
        head.writeInt32BE(random() < 0.1 ? Math.floor(random() * 2 ** 31) : length + 4, 1)
        const body = Buffer.from(Array.from({ length }, () => Math.floor(random() * 128)))
        if (random() < 0.7 && length > 0) body[length - 1] = 0
        stream.write(Buffer.concat([head, body]))
      }
      stream.end()
      await new Promise((resolve) => (stream.destroyed ? resolve(null) : stream.once('close', resolve)))
    }
    expect((await held.query('select word from secrets')).rows).toEqual([{ word: 'honey' }])
    // Nobody holds anything any more.
    await expect
      .poll(async () => attacker.admin.one(busyIn(attacker.database)), { timeout: 10_000 })
      .toEqual({ count: 0 })
    expect(gateway.logLines.filter(({ level }) => Number(level) >= 50)).toEqual([])
    const client = await gateway.connect(port, attacker)
    expect((await whoIs(client)).user).toBe('postgres')
    await Promise.all([client.end(), held.end()])
  })
})

test('on the transaction port a client cannot reach what another’s transaction left on the backend', async () => {
  const alone = await startPgGateway({ config: { backendsPerProjectMax: 1 } })
  alone.projects.set(attacker.project.ref, attacker.project)
  const [first, second] = [
    await alone.connect('transaction', attacker),
    await alone.connect('transaction', attacker),
  ]
  await first.query({ name: 'mine', text: 'select 1 as n' })
  // Names on the backend are random; the client's own name is not one there.
  await expect(second.query('execute mine')).rejects.toMatchObject({ code: '26000' })
  await expect(second.query({ text: 'deallocate mine' })).rejects.toMatchObject({ code: '26000' })
  await alone.close()
})

async function whoIs(client: Client): Promise<{ user: string; pid: number }> {
  const { rows } = await client.query<{ user: string; pid: number }>(
    'select current_user::text as user, pg_backend_pid() as pid',
  )
  return rows[0] ?? { user: '', pid: 0 }
}

const busyIn = (database: string) =>
  sql`select count(*)::int as count from pg_stat_activity where datname = ${database} and usename like '%\\_db' and state <> 'idle'`
