import type { Logger } from '@favo/runtime'
import { projectChannel } from './directory-source.ts'

/** Delays before the listening connection is opened again, in milliseconds; the last one repeats. */
const RETRY_MS = [50, 200, 1_000, 3_000]

export interface Listening {
  listen(channel: string, onNotify: (payload: string) => void, onLost: () => void): Promise<void>
}

/**
 * Passes on that a project changed, from whichever process. When the connection breaks, and again when it stands, listeners
 * are told that anything may have changed: what they load in between could miss a change.
 */
export class ChangeFeed {
  readonly #db: Listening
  readonly #log: Logger
  readonly #listeners: ((ref: string | null) => void)[] = []
  #retry: NodeJS.Timeout | null = null
  #isClosed = false
  #isFollowing = false

  constructor(db: Listening, log: Logger) {
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

  /** False from the loss of the connection until another one listens. */
  get isFollowing(): boolean {
    return this.#isFollowing
  }

  async #listen(): Promise<void> {
    await this.#db.listen(
      projectChannel,
      (ref) => this.#emit(ref),
      () => {
        this.#isFollowing = false
        if (this.#isClosed) return
        this.#emit(null)
        this.#listenAgain(0)
      },
    )
    this.#isFollowing = true
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
