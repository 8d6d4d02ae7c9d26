/**
 * `npm run bench control [projects] [megabytes]`: what the control plane takes: creating projects while they pile up, listing
 * all of them, and a branch with the data of a database of about that size (1,024 MB unless given), beside an empty one's.
 */
import type { Branch, ProjectStatusReport } from '@favo/contracts'
import { startBenchServer } from './server.ts'

const count = Number(process.argv[2] ?? 1_000)
const megabytes = Number(process.argv[3] ?? 1_024)

const quantiles = (values: readonly number[]): string => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(0)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const at = performance.now()
  await work()
  return performance.now() - at
}

const server = await startBenchServer()

async function branch(ref: string): Promise<number> {
  return timed(async () => {
    const made = (await server.request('POST', `/v1/projects/${ref}/branches`, {
      branch_name: 'copy',
      with_data: true,
    })) as Branch
    for (;;) {
      const { status } = (await server.request(
        'GET',
        `/v1/projects/${made.project_ref}/status`,
      )) as ProjectStatusReport
      if (status === 'ACTIVE_HEALTHY') return
      if (status === 'INIT_FAILED') throw new Error('the branch was not made')
      await new Promise((done) => setTimeout(done, 20))
    }
  })
}

try {
  const creations: number[] = []
  for (let i = 0; i < count; i++)
    creations.push(await timed(() => server.createProject({ name: `bench ${i}` })))
  console.log(`creation, the last 200 of ${count}: ${quantiles(creations.slice(-200))}`)

  const lists: number[] = []
  for (let i = 0; i < 20; i++) lists.push(await timed(() => server.request('GET', '/v1/projects')))
  console.log(`list of ${count} projects: ${quantiles(lists)}`)

  const empty = await server.createProject({ name: 'empty' })
  console.log(`branch of an empty project, with data: ${((await branch(empty.ref)) / 1_000).toFixed(2)} s`)

  const large = await server.createProject({ name: 'large' })
  await server.query(large.ref, 'create table filling (id int, body text)')
  // A thousand rows of 1 kB make a megabyte and a bit; in pieces, because a query has two minutes.
  for (let left = megabytes; left > 0; left -= 128)
    await server.query(
      large.ref,
      `insert into filling select n, repeat(md5(n::text), 31) from generate_series(1, ${Math.min(left, 128) * 1_000}) n`,
    )
  const [size] = (await server.query(
    large.ref,
    'select pg_database_size(current_database())::float8 / 1048576 as mb',
  )) as { mb: number }[]
  console.log(
    `branch of ${size?.mb.toFixed(0)} MB, with data: ${((await branch(large.ref)) / 1_000).toFixed(2)} s`,
  )
} finally {
  await server.stop()
}
