/**
 * `npm run bench control [projects] [megabytes]`: what the control plane takes: creating projects while they pile up, listing
 * all of them, and a branch with the data of a database of about that size (1,024 MB unless given) beside an empty one's,
 * while a client of the parent keeps asking. The time of a branch depends on the size: Postgres copies the files.
 */
import type { Branch, ProjectConnection, ProjectStatusReport } from '@favo/contracts'
import { startBenchServer } from './server.ts'

const [count = 1_000, megabytes = 1_024] = process.argv.slice(2).map(Number)

const server = await startBenchServer()
try {
  await measureCreation()
  await measureLists()
  const empty = await server.createProject({ name: 'empty' })
  await measureBranch('an empty project', empty)
  const large = await server.createProject({ name: 'large' })
  const filledAt = performance.now()
  const size = await fill(large.ref)
  console.log(`filled with ${size.toFixed(0)} MB in ${secondsSince(filledAt)}`)
  await measureBranch(`${size.toFixed(0)} MB`, large)
} finally {
  await server.stop()
}

async function measureCreation(): Promise<void> {
  const creations: number[] = []
  for (let i = 0; i < count; i++)
    creations.push(await timed(() => server.createProject({ name: `bench ${i}` })))
  console.log(`creation, the first ${Math.min(count, 200)}: ${quantiles(creations.slice(0, 200))}`)
  console.log(`creation, the last 200 of ${count}: ${quantiles(creations.slice(-200))}`)
}

async function measureLists(): Promise<void> {
  const lists: number[] = []
  let listed: unknown
  for (let i = 0; i < 20; i++)
    lists.push(await timed(async () => (listed = await server.request('GET', '/v1/projects'))))
  console.log(`list of ${Array.isArray(listed) ? listed.length : 0} projects: ${quantiles(lists)}`)
}

/** From the request to a branch that answers; and what those noticed of it who used the parent meanwhile. */
async function measureBranch(what: string, parent: ProjectConnection): Promise<void> {
  const user = useMeanwhile(parent)
  await user.hasBegun
  const at = performance.now()
  const made = (await server.request('POST', `/v1/projects/${parent.ref}/branches`, {
    branch_name: 'copy',
    with_data: true,
  })) as Branch
  const answered = secondsSince(at)
  await untilUp(made.project_ref)
  const up = secondsSince(at)
  const { longestMs, failed, requests } = await user.stop()
  console.log(
    `branch of ${what}, with data: answered after ${answered}, up after ${up}; of ${requests} requests to the parent meanwhile ` +
      `the longest was held for ${(longestMs / 1_000).toFixed(2)} s, ${failed} failed`,
  )
}

async function untilUp(ref: string): Promise<void> {
  for (;;) {
    const report = (await server.request('GET', `/v1/projects/${ref}/status`)) as ProjectStatusReport
    const { status } = report
    if (status === 'ACTIVE_HEALTHY') return
    if (status === 'INIT_FAILED') throw new Error(`the branch was not made: ${JSON.stringify(report)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Requests to a project's REST API, one after the other. */
function useMeanwhile({ ref, path_url: url, keys }: ProjectConnection) {
  let isStopped = false
  let longestMs = 0
  let failed = 0
  let requests = 0
  const ask = async (): Promise<void> => {
    const at = performance.now()
    const reply = await fetch(`${url}/rest/v1/rpc/ping`, {
      headers: { apikey: keys.service_role },
      signal: AbortSignal.timeout(180_000),
    }).catch(() => null)
    await reply?.arrayBuffer()
    if (reply?.ok !== true) failed += 1
    longestMs = Math.max(longestMs, performance.now() - at)
    requests += 1
  }
  const prepared = server.query(
    ref,
    'create or replace function ping() returns int language sql stable return 1',
  )
  const hasBegun = prepared.then(async () => {
    while (failed === requests && requests < 100) await ask()
    longestMs = failed = requests = 0
  })
  const done = hasBegun.then(async () => {
    while (!isStopped) {
      await ask()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })
  return {
    hasBegun,
    stop: async () => {
      isStopped = true
      await done
      return { longestMs, failed, requests }
    },
  }
}

/** Rows of 1 kB; returns the size of the database in MB. In pieces, because a query has two minutes. */
async function fill(ref: string): Promise<number> {
  await server.query(ref, 'create table filling (id int, body text)')
  for (let left = megabytes; left > 0; left -= 128)
    await server.query(
      ref,
      `insert into filling select n, repeat(md5(n::text), 31) from generate_series(1, ${Math.min(left, 128) * 1_000}) n`,
    )
  const [size] = (await server.query(
    ref,
    'select pg_database_size(current_database())::float8 / 1048576 as mb',
  )) as { mb: number }[]
  return size?.mb ?? 0
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const at = performance.now()
  await work()
  return performance.now() - at
}

function secondsSince(at: number): string {
  return `${((performance.now() - at) / 1_000).toFixed(2)} s`
}

function quantiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`
}
