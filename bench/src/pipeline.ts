/** What `pools.pipeline()` reaches with 32 concurrent callers, as a share of the calibration. Arguments: seconds, rounds. */
import { readFile } from 'node:fs/promises'
import { createPools, type Step } from '@favo/postgres'
import { silentLogger } from '@favo/runtime'
import { calibrate } from './calibrate.ts'
import { contextValues, readText, startBenchProject, type BenchProject } from './project.ts'
import { runRawClients } from './raw-client.ts'

const seconds = Number(process.argv[2] ?? 4)
const rounds = Number(process.argv[3] ?? 3)
const callers = 32

const settings = [
  ['role', contextValues[0]],
  ['request.jwt.claims', contextValues[1]],
  ['search_path', contextValues[2]],
] as const
const read: Step = { text: readText, values: [], plan: 'anon' }

/** As writes they neither share connections nor are spared any cleaning, so they show what that brings. */
async function measurePipeline(project: BenchProject, connections: number, isRead: boolean) {
  const pools = createPools({
    endpoint: project.endpoint,
    passwordFor: () => project.password,
    maxConnections: connections,
    maxPerPool: connections,
    // The callers do nothing else, so that there is a core for two backends.
    cores: 2,
    idleMs: 60_000,
    acquireTimeoutMs: 10_000,
    log: silentLogger(),
  })
  const db = pools.forDatabase(project.database)
  const request = { settings, steps: [read], isRead }
  const warmUntil = performance.now() + 500
  const call = async (until: number, latencies: number[]) => {
    while (performance.now() < until) {
      const start = performance.now()
      const [result] = await db.pipeline('api', request)
      if (result?.rows[0]?.[1]?.toString() !== '10') throw new Error('not the rows that anon may see')
      latencies.push(performance.now() - start)
    }
  }
  const everybody = (until: number, latencies: number[]) =>
    Promise.all(Array.from({ length: callers }, () => call(until, latencies)))
  await everybody(warmUntil, [])

  const cpuBefore = process.cpuUsage()
  const others = await systemCpu()
  const start = performance.now()
  const latencies: number[] = []
  await everybody(start + seconds * 1_000, latencies)
  const elapsed = (performance.now() - start) / 1_000
  const cpu = process.cpuUsage(cpuBefore)
  const system = (await systemCpu()) - others
  await pools.close()
  latencies.sort((a, b) => a - b)
  const nodeMicroseconds = cpu.user + cpu.system
  return {
    requestsPerSecond: latencies.length / elapsed,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    nodeMicroseconds: nodeMicroseconds / latencies.length,
    /** Everything on the machine but this process: Postgres, and whoever else is busy. */
    otherMicroseconds: (system - nodeMicroseconds) / latencies.length,
  }
}

/** Microseconds of CPU that the whole machine has used; 0 where /proc is not there. */
async function systemCpu(): Promise<number> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    text.split('\n')[0]?.split(/\s+/).slice(1).map(Number) ?? []
  return (user + nice + system + irq + softirq) * 10_000
}

const project = await startBenchProject()
try {
  for (let round = 1; round <= rounds; round++) {
    const { requestsPerSecond: limit, tool } = await calibrate(project, seconds)
    const raw = await runRawClients(project, 8, seconds)
    console.log(
      `round ${round}: ${tool} ${limit.toFixed(0)}/s, raw client ${raw.toFixed(0)}/s (${(raw / limit).toFixed(2)})`,
    )
    const cases = [
      ['reads, 4 connections', 4, true],
      ['reads, 8 connections', 8, true],
      ['as writes, 8 connections', 8, false],
    ] as const
    for (const [name, connections, isRead] of cases) {
      const result = await measurePipeline(project, connections, isRead)
      console.log(
        `  ${name}: ${result.requestsPerSecond.toFixed(0)}/s = ${(result.requestsPerSecond / limit).toFixed(2)}` +
          `, p50 ${result.p50Ms.toFixed(2)} ms, p99 ${result.p99Ms.toFixed(2)} ms` +
          `, CPU a request: node ${result.nodeMicroseconds.toFixed(0)} µs, rest of the machine ${result.otherMicroseconds.toFixed(0)} µs`,
      )
    }
  }
} finally {
  await project.stop()
}
