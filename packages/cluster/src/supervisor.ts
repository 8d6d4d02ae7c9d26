import { spawn, type ChildProcess } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@favo/runtime'
import { isAlive, poll, readPostmaster, stopPostmaster } from './postmaster.ts'
import type { ServerUser } from './server-user.ts'

export class PortTakenError extends Error {}

/** Keeps one postmaster running: starts it, starts it again when it dies, stops it. */
export class Supervisor {
  #child: ChildProcess | null = null
  #isStopping = false
  #restarting: Promise<void> = Promise.resolve()
  readonly #postgres: string
  readonly #data: string
  readonly #owner: ServerUser | null
  readonly #log: Logger

  constructor(postgres: string, data: string, owner: ServerUser | null, log: Logger) {
    this.#postgres = postgres
    this.#data = data
    this.#owner = owner
    this.#log = log
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** Resolves when connections are accepted. Tries for 15 s, because backends of a killed postmaster take a moment to go. */
  async start(): Promise<void> {
    const end = Date.now() + 15_000
    for (;;) {
      const problem = await this.#tryStart()
      if (problem === null) return
      // Waiting does not help: another program has taken it since it was found free.
      if (problem.includes('could not create any TCP/IP sockets')) throw new PortTakenError()
      if (Date.now() > end) throw new Error(`Postgres does not start: ${problem}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async #tryStart(): Promise<string | null> {
    const errors = join(this.#data, 'startup.log')
    const stderr = await open(errors, 'w', 0o600)
    // A process group of its own: Ctrl-C reaches us only, and we stop the server after its clients.
    const child = spawn(this.#postgres, ['-D', this.#data], {
      detached: true,
      stdio: ['ignore', stderr.fd, stderr.fd],
      cwd: this.#data,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      ...(this.#owner === null ? {} : { uid: this.#owner.uid, gid: this.#owner.gid }),
    })
    await stderr.close()
    let end: string | null = null
    child.once('error', (error) => (end = error.message))
    child.once('exit', (code, signal) => (end = `exit ${code ?? signal}`))
    // Recovery after a crash may take long; as long as the process lives we wait.
    await poll(async () => {
      if (end !== null) return true
      const state = await readPostmaster(this.#data)
      return state !== null && state.pid === child.pid && state.isReady
    }, 600_000)
    if (end !== null) {
      const text = await readFile(errors, 'utf8').catch(() => '')
      return `${String(end)}; ${text.trim().split('\n').slice(-3).join(' ')}`
    }
    this.#child = child
    child.once('exit', (code, signal) => this.#onExit(code, signal))
    return null
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = null
    if (this.#isStopping) return
    this.#log.error({ code, signal }, 'Postgres died; starting it again')
    this.#restarting = this.start().then(
      () => this.#log.info({ pid: this.pid }, 'Postgres runs again'),
      (error: unknown) => this.#log.error({ error }, 'Postgres could not be started again'),
    )
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#restarting
    const pid = this.pid
    if (pid !== null && isAlive(pid)) await stopPostmaster(pid)
  }
}
