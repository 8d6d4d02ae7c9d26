/**
 * `npm run bench rest-schema [tables]`: what a large schema costs. Each table has ten columns and two foreign keys. Told are the
 * first request, a reading after a change, what both hold up elsewhere, and how much memory stays: for the schema, and for
 * the plans of thousands of different requests.
 */
import { readFile } from 'node:fs/promises'
import type { ProjectConnection } from '@favo/contracts'
import { startBenchServer } from './server.ts'

const tables = Number(process.argv[2] ?? 1_000)
const shapes = 3_000

const schemaOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    const other = (step: number) => `t${Math.floor(n / step)}`
    return `create table t${n} (
      id int primary key, parent int references ${other(2)}, origin int references ${other(3)}, name text not null,
      state text default 'new', amount numeric(9, 2), tags text[], data jsonb, starts date, made_at timestamptz default now());`
  }).join('\n')

const server = await startBenchServer()
const residentMb = async () => {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}
const ask = async (project: ProjectConnection, path: string): Promise<number> => {
  const started = performance.now()
  const reply = await fetch(`${project.path_url}/rest/v1/${path}`, { headers: { apikey: project.keys.anon } })
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
  await reply.arrayBuffer()
  return performance.now() - started
}
/** The longest answer to another project's reads, one after the other, while something runs. */
async function heldUpMs(quick: ProjectConnection, running: Promise<unknown>): Promise<number> {
  let isOver = false
  let longest = 0
  const over = running.finally(() => (isOver = true))
  while (!isOver) longest = Math.max(longest, await ask(quick, 'small?limit=1'))
  await over
  return longest
}
const show = (ms: number) => `${ms.toFixed(0)} ms`

try {
  const quick = await server.createProject({ name: 'quick' })
  await server.query(quick.ref, 'create table small (id int)')
  const large = await server.createProject({ name: 'large' })
  for (let from = 0; from < tables; from += 100)
    await server.query(large.ref, schemaOf(from, Math.min(tables, from + 100)))
  for (let i = 0; i < 200; i++) await ask(quick, 'small?limit=1')

  const before = await residentMb()
  const first = ask(large, 't1?limit=1')
  const heldByFirst = await heldUpMs(quick, first)
  console.log(
    `${tables} tables, ${2 * tables} foreign keys: first request ${show(await first)}, ` +
      `meanwhile another project's reads took ${show(heldByFirst)} at most; ` +
      `${((await residentMb()) - before).toFixed(0)} MB more resident`,
  )
  for (let i = 0; i < 3; i++) {
    await server.query(large.ref, `create table fresh${i} (id int)`)
    const again = ask(large, `fresh${i}?limit=1`)
    const heldByAgain = await heldUpMs(quick, again)
    console.log(`a table just made: ${show(await again)}, others at most ${show(heldByAgain)}`)
  }

  const planned = await residentMb()
  const started = performance.now()
  for (let i = 0; i < shapes; i++)
    await ask(
      large,
      `t${1 + (i % (tables - 1))}?select=id,a${i}:name,t0(id)&limit=1`.replace('t0', parentOf(i)),
    )
  console.log(
    `${shapes} different embeds: ${show((performance.now() - started) / shapes)} each, ` +
      `${((await residentMb()) - planned).toFixed(0)} MB more resident (500 plans are kept per project)`,
  )
} finally {
  await server.stop()
}

/** The table that the i-th embed's table refers to, by the column that does. */
function parentOf(i: number): string {
  return `t${Math.floor((1 + (i % (tables - 1))) / 2)}!parent`
}
