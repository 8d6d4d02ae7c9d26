/** Why work was not taken on, or given up. */
export class QueueRefusal extends Error {
  readonly kind: 'full' | 'timeout' | 'gone' | 'closed'
  constructor(kind: QueueRefusal['kind']) {
    super(`queue: ${kind}`)
    this.name = 'QueueRefusal'
    this.kind = kind
  }
}

export interface FairQueueOptions {
  /** How many may run at this moment; asked each time a place might be given. At least 1. */
  readonly concurrency: () => number
  /** Waiting jobs of all tenants together, and of one. */
  readonly waitingMax: number
  readonly waitingPerTenantMax: number
  /** How long a job may wait for its turn, milliseconds. */
  readonly waitMsMax: number
}

interface Job {
  start(): void
}

/**
 * Runs jobs of many tenants, a few at a time. The turn goes round between tenants that have work waiting, so a tenant with
 * a thousand jobs delays another's single job by one job, not by a thousand. What waits is bounded in number and time.
 */
export class FairQueue {
  readonly #options: FairQueueOptions
  /** Tenants with waiting jobs, the next one first: a Map keeps the order in which keys were put in. */
  readonly #waiting = new Map<string, Job[]>()
  #waitingCount = 0
  #running = 0
  #isClosed = false

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  get stats(): { readonly running: number; readonly waiting: number; readonly tenants: number } {
    return { running: this.#running, waiting: this.#waitingCount, tenants: this.#waiting.size }
  }

  /** Rejects with QueueRefusal when there is no room, the turn did not come in time, or the signal was aborted while waiting. */
  async run<T>(tenant: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    await this.#turn(tenant, signal)
    try {
      return await work()
    } finally {
      this.#running -= 1
      this.#startNext()
    }
  }

  /** Those who wait are refused; what runs is let finish. */
  close(): void {
    this.#isClosed = true
    for (const jobs of this.#waiting.values()) for (const job of [...jobs]) job.start()
  }

  /** Resolves when the caller may run; it then counts as running. */
  #turn(tenant: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed) return Promise.reject(new QueueRefusal('closed'))
    if (signal?.aborted === true) return Promise.reject(new QueueRefusal('gone'))
    if (this.#waitingCount === 0 && this.#running < this.#places()) {
      this.#running += 1
      return Promise.resolve()
    }
    const jobs = this.#waiting.get(tenant) ?? []
    if (this.#waitingCount >= this.#options.waitingMax || jobs.length >= this.#options.waitingPerTenantMax)
      return Promise.reject(new QueueRefusal('full'))

    return new Promise((resolve, reject) => {
      const leave = (kind: QueueRefusal['kind']) => {
        stopWaiting()
        this.#remove(tenant, job)
        reject(new QueueRefusal(kind))
      }
      const onAbort = () => leave('gone')
      const timer = setTimeout(() => leave('timeout'), this.#options.waitMsMax)
      const stopWaiting = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const job: Job = {
        start: () => {
          if (this.#isClosed) return leave('closed')
          stopWaiting()
          this.#running += 1
          resolve()
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(tenant, jobs)
      jobs.push(job)
      this.#waitingCount += 1
      this.#startNext()
    })
  }

  #startNext(): void {
    while (this.#waitingCount > 0 && this.#running < this.#places()) {
      const next = this.#waiting.entries().next()
      if (next.done === true) return
      const [tenant, jobs] = next.value
      const job = jobs.shift()
      this.#waitingCount -= 1
      // To the end of the round, if there is more to do.
      this.#waiting.delete(tenant)
      if (jobs.length > 0) this.#waiting.set(tenant, jobs)
      job?.start()
    }
  }

  #remove(tenant: string, job: Job): void {
    const jobs = this.#waiting.get(tenant)
    const at = jobs?.indexOf(job) ?? -1
    if (jobs === undefined || at === -1) return
    jobs.splice(at, 1)
    this.#waitingCount -= 1
    if (jobs.length === 0) this.#waiting.delete(tenant)
  }

  #places(): number {
    return Math.max(1, this.#options.concurrency())
  }
}
