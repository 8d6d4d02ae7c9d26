/**
 * `npm run bench pg-gateway [seconds] [rounds] [projects]`: pgbench directly and through both ports of the gateway, by
 * turns, and idle clients of many projects on the transaction port. Needs pgbench on the PATH.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { ProjectConnection } from '@favo/contracts'
import { cpuSeconds, startBenchServer } from './server.ts'

const [seconds = 5, rounds = 5, projectCount = 500] = process.argv.slice(2).map(Number)
const clients = 4
const scale = 10
const run = promisify(execFile)

const server = await startBenchServer({})
try {
  await measureOverhead()
  await measureIdleClients()
} finally {
  await server.stop()
}

async function measureOverhead(): Promise<void> {
  const { database } = await server.createProject({ name: 'pgbench' })
  const { port } = await server.superuser()
  const direct = new URL(database.url)
  direct.host = `127.0.0.1:${port}`
  direct.username = `${database.name}_db`
  direct.pathname = `/${database.name}`
  await run('pgbench', ['-i', '-q', '-s', String(scale), plain(database.url)])

  const ways = [
    ['direct', plain(direct.href)],
    ['session port', plain(database.url)],
    ['transaction port', plain(database.transaction_url)],
  ] as const
  for (const script of ['tpcb-like', 'select-only']) {
    const rates = new Map<string, number[]>()
    const cpu = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++)
      for (const [way, url] of ways) {
        const before = await cpuMs()
        const { rate, transactions } = await pgbench(script, url)
        append(rates, way, rate)
        append(cpu, way, ((await cpuMs()) - before) / transactions)
      }
    const base = rates.get('direct') ?? []
    for (const [way] of ways) {
      const own = rates.get(way) ?? []
      const ratios = own.map((rate, i) => rate / (base[i] ?? 1))
      console.log(
        `${script.padEnd(12)} ${way.padEnd(17)} ${median(own).toFixed(0).padStart(6)}/s   of direct: median ${median(ratios).toFixed(2)}, ` +
          `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}   node ${(median(cpu.get(way) ?? []) * 1_000).toFixed(0)} µs`,
      )
    }
  }
}

/** One client for each project, all at once on the transaction port; then each of them asks something. */
async function measureIdleClients(): Promise<void> {
  const projects: ProjectConnection[] = []
  for (let i = 0; i < projectCount; i++) projects.push(await server.createProject({ name: `idle-${i}` }))
  const memoryBefore = await memoryMb()
  const connected: Client[] = []
  const startedAt = Date.now()
  await Promise.all(
    projects.map(async ({ database }) => {
      const client = new Client({ connectionString: database.transaction_url })
      await client.connect()
      connected.push(client)
    }),
  )
  const connectMs = Date.now() - startedAt
  const backends = await countBackends()
  console.log(
    `${connected.length} clients of as many projects: connected in ${connectMs} ms, ${backends} backends, ` +
      `${((((await memoryMb()) - memoryBefore) / connected.length) * 1_024).toFixed(0)} kB of node each`,
  )
  const askedAt = Date.now()
  await Promise.all(connected.map((client) => client.query('select 1')))
  console.log(`each asks once, all at once: ${Date.now() - askedAt} ms, ${await countBackends()} backends`)
  await Promise.all(connected.map((client) => client.end()))
}

async function countBackends(): Promise<number> {
  const client = new Client({ ...(await server.superuser()), user: 'favo_admin', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where usename like 'p\\_%\\_db'`,
  )
  await client.end()
  return rows[0]?.count ?? 0
}

async function pgbench(script: string, url: string): Promise<{ rate: number; transactions: number }> {
  const { stdout } = await run('pgbench', [
    '-n',
    ...['-b', script, '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds)],
    url,
  ])
  return {
    rate: Number(/tps = ([\d.]+)/.exec(stdout)?.[1]),
    transactions: Number(/actually processed: (\d+)/.exec(stdout)?.[1]),
  }
}

/** Without TLS, as the direct connection is. */
function plain(url: string): string {
  const address = new URL(url)
  address.searchParams.set('sslmode', 'disable')
  return address.href
}

async function cpuMs(): Promise<number> {
  return (await cpuSeconds(server.pid)) * 1_000
}

async function memoryMb(): Promise<number> {
  const text = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1_024
}

function append(lists: Map<string, number[]>, key: string, value: number): void {
  lists.set(key, [...(lists.get(key) ?? []), value])
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
