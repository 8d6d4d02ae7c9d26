import { ConnectionError, type CancelSignal, type PipelineRequest, type PipelineResult } from '../types.ts'
import type { Connection } from '../wire/connection.ts'
import type { Begin, Flight, FlightPlan } from '../wire/flight.ts'
import type { Waiter } from './waiters.ts'

/** Attempts on which nothing was done: the connection turned out dead or poisoned. */
const untouchedAttemptsMax = 3
/** When one backend is killed, the others follow within some milliseconds: not to be lost with the next one, too. */
const repeatPauseMs = 100

/** One pipeline request from its first wait to its answer. */
export class PipelineJob implements Waiter {
  isWithdrawn = false
  shareKey: string | null
  /** `performance.now()` at which it is cancelled. */
  readonly deadline: number
  /** Its neighbours among the jobs whose deadline is watched. */
  previous: PipelineJob | null = null
  next: PipelineJob | null = null
  readonly #plan: FlightPlan
  readonly #isRead: boolean
  readonly #signal: CancelSignal | undefined
  readonly #acquire: (waiter: Waiter) => void
  readonly #onSettled: (job: PipelineJob) => void
  readonly #resolve: (result: PipelineResult) => void
  readonly #reject: (error: Error) => void
  #connection: Connection | null = null
  #flight: Flight | null = null
  #isSettled = false
  #untouchedAttempts = 0
  #hasBeenRepeated = false

  constructor(
    request: PipelineRequest,
    acquire: (waiter: Waiter) => void,
    onSettled: (job: PipelineJob) => void,
    resolve: (result: PipelineResult) => void,
    reject: (error: Error) => void,
  ) {
    this.#plan = planOf(request)
    this.shareKey = this.#plan.shareKey
    this.#isRead = request.isRead
    this.#signal = request.signal
    this.#acquire = acquire
    this.#onSettled = onSettled
    this.#resolve = resolve
    this.#reject = reject
    this.deadline = request.deadlineMs === undefined ? Infinity : performance.now() + request.deadlineMs
  }

  start(): void {
    if (this.#signal?.aborted === true) return this.#fail(cancelled('the request was aborted'))
    this.#signal?.addEventListener('abort', this.#onAbort)
    this.#acquire(this)
  }

  take(connection: Connection): void {
    this.#connection = connection
    this.#flight = connection.send(this.#plan, this.#onDone)
  }

  fail(error: Error): void {
    this.#fail(error)
  }

  /** Answers at once; the statement is interrupted behind the caller's back. */
  cancel(reason: string): void {
    if (this.#isSettled) return
    this.isWithdrawn = true
    if (this.#flight !== null) this.#connection?.cancel(this.#flight)
    this.#fail(cancelled(reason))
  }

  readonly #onAbort = (): void => this.cancel('the request was aborted')

  readonly #onDone = (flight: Flight): void => {
    this.#connection = null
    this.#flight = null
    if (this.#isSettled) return
    if (flight.invalid !== null) return this.#fail(flight.invalid)
    if (flight.isPreludeError || flight.isUntouched) {
      if (++this.#untouchedAttempts < untouchedAttemptsMax) return this.#again()
      return this.#fail(
        new ConnectionError('unavailable', 'no usable connection', { cause: flight.error ?? flight.lost }),
      )
    }
    if (flight.error !== null) return this.#fail(flight.error)
    if (flight.lost !== null) return this.#afterLoss(flight.lost)
    this.#settle()
    this.#resolve(flight.results)
  }

  #afterLoss(cause: Error): void {
    if (this.#isRead && !this.#hasBeenRepeated) {
      this.#hasBeenRepeated = true
      setTimeout(() => this.#again(), repeatPauseMs)
      return
    }
    this.#fail(
      this.#isRead
        ? new ConnectionError('unavailable', 'the database connection broke twice', { cause })
        : new ConnectionError('lost', 'the connection broke; whether the write was committed is unknown', {
            cause,
          }),
    )
  }

  /** On a connection of its own this time. */
  #again(): void {
    if (this.#isSettled) return
    this.shareKey = null
    this.#acquire(this)
  }

  #fail(error: Error): void {
    if (this.#isSettled) return
    this.#settle()
    this.#reject(error)
  }

  #settle(): void {
    this.#isSettled = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#onSettled(this)
  }
}

const cancelled = (reason: string): ConnectionError => new ConnectionError('cancelled', reason)

function planOf({ settings = none, steps, transaction, isRead }: PipelineRequest): FlightPlan {
  const main = steps[steps.length - 1]
  // Spelled out: `...plainFlight` costs as much as the rest of this file, for each request.
  return {
    clean: true,
    settings,
    isSealed: transaction === undefined ? isRead : transaction.readOnly === true,
    begin: transaction === undefined ? null : beginOf(transaction),
    steps,
    end: transaction?.end ?? null,
    keepsTransaction: false,
    script: null,
    shareKey: isRead && transaction === undefined && main?.plan != null ? main.text : null,
  }
}

function beginOf({ isolation, readOnly }: NonNullable<PipelineRequest['transaction']>): Begin {
  const modes = [
    ...(isolation === undefined ? [] : [`isolation level ${isolationLevels[isolation]}, not deferrable`]),
    ...(readOnly === true ? ['read only'] : []),
  ]
  return {
    text: `begin ${modes.join(', ')}`,
    inheritsIsolation: isolation === undefined,
    inheritsReadOnly: readOnly !== true,
  }
}

const none: NonNullable<PipelineRequest['settings']> = []

const isolationLevels = {
  'read committed': 'read committed',
  'repeatable read': 'repeatable read',
  serializable: 'serializable',
} as const
