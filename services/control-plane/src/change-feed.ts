import { randomUUID } from 'node:crypto'
import { sql, type Queryable } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import { projectChannel } from './directory-source.ts'

/** Delays before the listening connection is opened again, in milliseconds; the last one repeats. */
const RETRY_MS = [50, 200, 1_000, 3_000]
/** How long a message of our own may take to come back before the connection counts as deaf. */
const HEARD_WITHIN_MS = 2_000
/** Before the messages by which a process hears that it is up to date. */
const MARK = '?'

export interface Listening {
  listen(channel: string, onNotify: (payload: string) => void, onLost: () => void): Promise<void>
}

/**
 * Passes on that a project changed, from whichever process. When the connection breaks, and again when it stands, listeners
 * are told that anything may have changed: what they load in between could miss a change.
 */
export class ChangeFeed {
  readonly #listening: Listening
  readonly #db: Pick<Queryable, 'run'>
  readonly #log: Logger
  readonly #listeners: ((ref: string | null) => void)[] = []
  readonly #awaited = new Map<string, () => void>()
  #retry: NodeJS.Timeout | null = null
  #isClosed = false
  #isFollowing = false

  /**
   * `listening` must run nothing but brief statements: while a connection is in a transaction, Postgres tells it nothing, and
   * a change would be heard of when some long transaction of another request has ended.
   */
  constructor(listening: Listening, db: Pick<Queryable, 'run'>, log: Logger) {
    this.#listening = listening
    this.#db = db
    this.#log = log
  }

  subscribe(listener: (ref: string | null) => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves when the first connection listens; throws when it cannot be had. */
  async start(): Promise<void> {
    await this.#listen()
  }

  close(): void {
    this.#isClosed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
  }

  /** False from the loss of the connection until another one listens, and while it is deaf. */
  get isFollowing(): boolean {
    return this.#isFollowing
  }

  /**
   * Resolves when this process has heard of every change that was committed before, so that what a client does next meets
   * what was acknowledged to it: Postgres delivers in the order of commits, and this sends a message of its own behind them.
   */
  async catchUp(): Promise<void> {
    if (!this.#isFollowing) return
    const mark = MARK + randomUUID()
    const heard = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), HEARD_WITHIN_MS)
      this.#awaited.set(mark, () => {
        clearTimeout(timer)
        resolve(true)
      })
    })
    try {
      // Nothing is lost with it that a crash would not take anyway, so it need not wait for the disk.
      await this.#db.run(
        sql`set local synchronous_commit = off; select pg_notify(${sql.literal(projectChannel)}, ${sql.literal(mark)})`,
      )
      if (await heard) return
      this.#log.warn({}, 'changes of projects are not heard of')
    } catch (error) {
      this.#log.warn({ error }, 'cannot tell whether changes of projects are heard of')
    } finally {
      this.#awaited.get(mark)?.()
      this.#awaited.delete(mark)
    }
    this.#isFollowing = false
    this.#emit(null)
  }

  async #listen(): Promise<void> {
    await this.#listening.listen(
      projectChannel,
      (payload) => this.#hear(payload),
      () => {
        this.#isFollowing = false
        if (this.#isClosed) return
        this.#emit(null)
        this.#listenAgain(0)
      },
    )
    this.#isFollowing = true
  }

  #hear(payload: string): void {
    if (!this.#isFollowing) {
      this.#isFollowing = true
      this.#emit(null)
    }
    if (payload.startsWith(MARK)) this.#awaited.get(payload)?.()
    else this.#emit(payload)
  }

  #listenAgain(attempt: number): void {
    this.#retry = setTimeout(
      () => {
        this.#listen().then(
          () => this.#emit(null),
          (error: unknown) => {
            this.#log.warn({ error }, 'cannot listen for changes of projects yet')
            if (!this.#isClosed) this.#listenAgain(attempt + 1)
          },
        )
      },
      RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)],
    )
  }

  #emit(ref: string | null): void {
    for (const listener of this.#listeners) listener(ref)
  }
}
