/**
 * `npm run bench auth [seconds] [folder of @supabase/lite]`: sign-ins beside what bcrypt itself can do and how long they hold the
 * event loop, refreshes, users by token; and what one project's sign-ins do to another's reads.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hash, verify } from '@node-rs/bcrypt'
import type { ProjectConnection } from '@favo/contracts'
import { runClients, type AuthLoad, type Client } from './auth-load.ts'
import { runLoad } from './http-load.ts'
import { startLite } from './lite.ts'
import { cpuSeconds, startBenchServer } from './server.ts'

const seconds = Number(process.argv[2] ?? 5)
const liteFolder = process.argv[3]
const CLIENTS = 32
const password = 'a-password-for-measuring'

interface Place {
  /** Of Auth. */
  readonly url: string
  readonly key: string
}
interface Session {
  readonly email: string
  readonly access_token: string
  readonly refresh_token: string
}

const shared = await mkdtemp(join(tmpdir(), 'favo-bench-auth-'))
const delayFile = join(shared, 'delay.json')
const idleDelayFile = join(shared, 'idle-delay.json')
const probe = ['--import', join(import.meta.dirname, 'loop-delay.mjs')]
const server = await startBenchServer({ LOOP_DELAY_FILE: delayFile }, probe)
// A process that does nothing, beside it: what the machine itself holds up.
const idle = spawn(process.execPath, [...probe, '-e', 'setInterval(() => {}, 1e6)'], {
  env: { ...process.env, LOOP_DELAY_FILE: idleDelayFile },
  stdio: 'ignore',
})
try {
  const [loud, quiet] = [
    await server.createProject({ name: 'loud' }),
    await server.createProject({ name: 'quiet' }),
  ]
  await server.query(
    quiet.ref,
    `create table todos (id bigint generated always as identity primary key, title text not null);
     insert into todos (title) select 'todo number ' || n from generate_series(1, 1000) n;
     grant select on todos to anon;`,
  )
  const place = { url: `${loud.path_url}/auth/v1`, key: loud.keys.anon }
  await report('Favo', place, server.pid)
  await reportNeighbours(loud, quiet)
  if (liteFolder !== undefined) {
    const lite = await startLite(server, liteFolder)
    try {
      await report('@supabase/lite', { url: `${lite.url}/auth/v1`, key: lite.key }, lite.pid)
    } finally {
      await lite.stop()
    }
  }
} finally {
  idle.kill()
  await server.stop()
  await rm(shared, { recursive: true, force: true })
}

async function report(name: string, place: Place, pid: number): Promise<void> {
  console.log(`\n${name}`)
  const sessions = await signUp(place)
  const native = [await compareInARow(1), await compareInARow(2)]
  await delays()
  const signIns = await measure(place, pid, sessions.map(signsIn))
  const held = name === 'Favo' ? await delays() : null
  line('sign-ins', signIns)
  console.log(
    `  bcrypt itself: ${(native[0] ?? 0).toFixed(1)}/s on one thread, ${(native[1] ?? 0).toFixed(1)}/s on two` +
      (held === null
        ? ''
        : `; event loop held p99 ${held.server.p99.toFixed(1)} ms, at most ${held.server.max.toFixed(1)} ms ` +
          `(an idle process beside it: ${held.idle.p99.toFixed(1)} and ${held.idle.max.toFixed(1)} ms)`),
  )
  line('refreshes', await measure(place, pid, sessions.map(refreshes)))
  const [first] = await signUp(place, 1)
  if (first === undefined) throw new Error('nobody signed up')
  const target = {
    url: `${place.url}/user`,
    headers: { apikey: place.key, authorization: `Bearer ${first.access_token}` },
  }
  const before = await cpuSeconds(pid)
  const users = await runLoad({ targets: [target], connections: CLIENTS, seconds })
  const micros = ((await cpuSeconds(pid)) - before) * 1e6
  line('users by token', {
    perSecond: users.requestsPerSecond,
    p50Ms: users.p50Ms,
    p99Ms: users.p99Ms,
    micros: micros / (users.requestsPerSecond * (seconds + 1)),
  })
}

/** One project signs in as fast as it can; another reads. */
async function reportNeighbours(loud: ProjectConnection, quiet: ProjectConnection): Promise<void> {
  const place = { url: `${loud.path_url}/auth/v1`, key: loud.keys.anon }
  const sessions = await signUp(place)
  const target = {
    url: `${quiet.path_url}/rest/v1/todos?select=id,title&order=id&limit=10`,
    headers: { apikey: quiet.keys.anon },
  }
  const read = () => runLoad({ targets: [target], connections: 8, seconds, tool: 'own' })
  const alone = await read()
  const [beside, signIns] = await Promise.all([read(), measure(place, server.pid, sessions.map(signsIn))])
  const after = await read()
  const quietP99 = (alone.p99Ms + after.p99Ms) / 2
  console.log(
    `\nreads of one project, 8 connections: alone p99 ${alone.p99Ms.toFixed(1)} and ${after.p99Ms.toFixed(1)} ms ` +
      `(${alone.requestsPerSecond.toFixed(0)}/s); while another signs in ${signIns.perSecond.toFixed(0)} times a second, ` +
      `p99 ${beside.p99Ms.toFixed(1)} ms (${beside.requestsPerSecond.toFixed(0)}/s): ${(beside.p99Ms / quietP99).toFixed(2)} times`,
  )
}

async function signUp({ url, key }: Place, count = CLIENTS): Promise<readonly Session[]> {
  const one = async (): Promise<Session> => {
    const email = `ann-${crypto.randomUUID()}@example.com`
    const reply = await fetch(`${url}/signup`, {
      method: 'POST',
      headers: { apikey: key, 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    if (!reply.ok) throw new Error(`sign-up: ${reply.status} ${await reply.text()}`)
    return { email, ...((await reply.json()) as Omit<Session, 'email'>) }
  }
  const sessions: Session[] = []
  while (sessions.length < count) sessions.push(await one())
  return sessions
}

function signsIn({ email }: Session): Client {
  return { next: () => ({ path: '/token?grant_type=password', body: { email, password } }) }
}

function refreshes(session: Session): Client {
  return {
    next: (answer) => {
      const { refresh_token } = answer === null ? session : (JSON.parse(answer) as Session)
      return { path: '/token?grant_type=refresh_token', body: { refresh_token } }
    },
  }
}

async function measure(place: Place, pid: number, clients: readonly Client[]) {
  const before = await cpuSeconds(pid)
  const load = await runClients(place.url, place.key, clients, seconds)
  const cpu = (await cpuSeconds(pid)) - before
  return { ...load, micros: (cpu * 1e6) / (load.perSecond * (seconds + 1)) }
}

function line(what: string, load: AuthLoad & { readonly micros: number }): void {
  if (load.perSecond === 0) return console.log(`  ${what}: none within ${seconds} s`)
  console.log(
    `  ${what}: ${load.perSecond.toFixed(load.perSecond < 100 ? 1 : 0)}/s, p50 ${load.p50Ms.toFixed(1)} ms, ` +
      `p99 ${load.p99Ms.toFixed(1)} ms, ${load.micros.toFixed(0)} µs CPU each`,
  )
}

/** Comparisons a second, so many at once, in this process while the server rests. */
async function compareInARow(threads: number): Promise<number> {
  const hashed = await hash(password, { cost: 10 })
  const until = performance.now() + seconds * 1_000
  let count = 0
  const row = async () => {
    for (; performance.now() < until; count += 1) await verify(password, hashed)
  }
  await Promise.all(Array.from({ length: threads }, row))
  return count / seconds
}

/** Since the last time. */
async function delays() {
  const [ofServer, ofIdle] = await Promise.all([
    delay(server.pid, delayFile),
    delay(idle.pid ?? 0, idleDelayFile),
  ])
  return { server: ofServer, idle: ofIdle }
}

async function delay(pid: number, file: string): Promise<{ p99: number; max: number }> {
  await rm(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (text !== '') return JSON.parse(text) as { p99: number; max: number }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
