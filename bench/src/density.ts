/**
 * `npm run bench density [projects]`: what a project costs. Creation times while they pile up, memory of both processes with all of
 * them idle, disk, and the first request to a project that nobody has touched.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { ProjectConnection } from '@favo/contracts'
import { startBenchServer } from './server.ts'

const count = Number(process.argv[2] ?? 1_000)
const touched = 50

/** Proportional set size of a process and its children, in MB: shared memory is counted once. Linux only. */
async function memoryMb(pid: number): Promise<number> {
  const pss = async (id: number) => {
    const text = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '')
    return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024
  }
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const all = [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
  return (await Promise.all(all.map(pss))).reduce((a, b) => a + b, 0)
}

async function folderMb(path: string): Promise<number> {
  const { stat } = await import('node:fs/promises')
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(`${entry.parentPath}/${entry.name}`).catch(() => null))?.blocks ?? 0),
  )
  return sizes.reduce((a, b) => a + b, 0) / 2_048
}

const quantiles = (values: readonly number[]): string => {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1)
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`
}

const server = await startBenchServer({ FAVO_POOL_IDLE_SECONDS: '2' })
try {
  console.log(`start, with the cluster made: ${(server.startMs / 1_000).toFixed(2)} s`)
  const settle = () => new Promise((done) => setTimeout(done, 5_000))
  await settle()
  const before = { node: await memoryMb(server.pid), postgres: await memoryMb(server.postmasterPid) }
  const diskBefore = await folderMb(`${server.home}/postgres/data/base`)

  const projects: ProjectConnection[] = []
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const at = performance.now()
    projects.push(await server.createProject({ name: `bench ${i}` }))
    times.push(performance.now() - at)
    if (i === 199 || i === 399 || i === count - 1)
      console.log(`creation, projects ${Math.max(0, i - 199)} to ${i}: ${quantiles(times.slice(-200))}`)
  }

  await settle()
  const after = { node: await memoryMb(server.pid), postgres: await memoryMb(server.postmasterPid) }
  const disk = ((await folderMb(`${server.home}/postgres/data/base`)) - diskBefore) / count
  console.log(
    `memory with ${count} idle projects: node ${after.node.toFixed(0)} MB (empty ${before.node.toFixed(0)}), ` +
      `postgres ${after.postgres.toFixed(0)} MB (empty ${before.postgres.toFixed(0)}); disk ${disk.toFixed(1)} MB each`,
  )

  const first: number[] = []
  const second: number[] = []
  const step = Math.max(1, Math.floor(count / touched))
  for (let i = 0; i < count; i += step) {
    const project = projects[i]
    if (project === undefined) continue
    for (const list of [first, second]) {
      const at = performance.now()
      const reply = await fetch(`${project.path_url}/rest/v1/`, {
        headers: { apikey: project.keys.service_role },
      })
      await reply.arrayBuffer()
      if (!reply.ok) throw new Error(`${reply.status}`)
      list.push(performance.now() - at)
    }
  }
  console.log(
    `first request to an untouched project: ${quantiles(first)}; the next one: ${quantiles(second)}`,
  )
} finally {
  await server.stop()
}
