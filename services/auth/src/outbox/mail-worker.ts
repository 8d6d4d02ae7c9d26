import { setTimeout as wait } from 'node:timers/promises'
import type { ProjectDb } from '@favo/postgres'
import type { Project } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import type { Outbound } from '../outbound/outbound.ts'
import { effectiveSettings } from '../settings.ts'
import { deliverMails, type DeliveryOptions } from './deliver-mails.ts'
import type { MailMarks } from './mail-marks.ts'

/** Projects that are delivered for at once: a slow mail server holds up its own project, and no connection of a database. */
const PROJECTS_AT_ONCE = 32
/** A mark is good for so long; it is then written again. */
const MARK_SECONDS = 300
const REMEMBERED_MAX = 20_000
const CLOSE_GRACE_MS = 3_000

export interface MailWorkerDeps {
  /** Null when there is no such project, or it is not to be opened now. */
  readonly openProject: (ref: string) => Promise<{ readonly project: Project; readonly db: ProjectDb } | null>
  readonly marks: MailMarks
  readonly log: Logger
  readonly options?: Partial<DeliveryOptions>
}

/** The mails of one request. */
export interface RequestOutbox {
  /** Before a mail is stored: whatever happens then, it will be found. */
  announce(): Promise<void>
  /** Seconds for which a message that the request delivers itself is nobody else's, unless it renews that. */
  readonly claimSeconds: number
  /** At the end, when all is committed. */
  flush(): void
}

/**
 * Delivers what waits in the projects' outboxes. A request that stored a mail wakes it; it comes back when a mail is due
 * again, and otherwise leaves a project's database alone. What an earlier process left is found by its marks.
 */
export interface MailWorker {
  forRequest(project: Project): RequestOutbox
  /** Looks for what was left behind, now and every ten minutes. */
  start(): void
  /** Mails that are being sent have a few seconds; what is left waits for the next start. */
  close(): Promise<void>
}

const defaults: DeliveryOptions = {
  claimSeconds: 10,
  sendTimeoutMs: 30_000,
  firstRetrySeconds: 10,
  longestRetrySeconds: 900,
}
const SWEEP_MS = 600_000

interface Rounds {
  timer: NodeJS.Timeout | null
  isRunning: boolean
  /** Asked for while it ran. */
  isAgain: boolean
  failures: number
}

export function createMailWorker(
  deps: MailWorkerDeps,
  outbound: Outbound,
  projectUrl: (project: Project) => string,
): MailWorker {
  const { log, marks } = deps
  const options = { ...defaults, ...deps.options }
  const stopping = new AbortController()
  const breakingOff = new AbortController()
  const rounds = new Map<string, Rounds>()
  const markedAt = new Map<string, number>()
  const underWay = new Set<Promise<void>>()
  const queue: string[] = []
  let sweeper: NodeJS.Timeout | null = null

  const schedule = (ref: string, delayMs: number) => {
    if (stopping.signal.aborted) return
    const found = rounds.get(ref)
    if (found?.isRunning === true) {
      found.isAgain = true
      return
    }
    const round = found ?? { timer: null, isRunning: false, isAgain: false, failures: 0 }
    rounds.set(ref, round)
    if (round.timer !== null) clearTimeout(round.timer)
    round.timer = setTimeout(() => {
      round.timer = null
      round.isRunning = true
      queue.push(ref)
      runNext()
    }, delayMs)
    round.timer.unref()
  }

  const runNext = () => {
    while (underWay.size < PROJECTS_AT_ONCE) {
      const ref = queue.shift()
      if (ref === undefined) return
      const running = run(ref).finally(() => {
        underWay.delete(running)
        runNext()
      })
      underWay.add(running)
    }
  }

  const run = async (ref: string): Promise<void> => {
    const round = rounds.get(ref)
    if (round === undefined || stopping.signal.aborted) return
    let nextSeconds: number | null
    try {
      nextSeconds = await deliver(ref)
      round.failures = 0
    } catch (error) {
      round.failures += 1
      nextSeconds = Math.min(5 * 2 ** round.failures, 600)
      log.warn({ ref, error }, 'mails of a project could not be looked after')
    }
    round.isRunning = false
    const isAgain = round.isAgain
    round.isAgain = false
    if (isAgain) schedule(ref, 0)
    // Timers do not take more than this.
    else if (nextSeconds !== null) schedule(ref, Math.min(nextSeconds * 1_000 + 20, 86_400_000))
    else rounds.delete(ref)
  }

  const deliver = async (ref: string): Promise<number | null> => {
    const opened = await deps.openProject(ref)
    if (opened === null) return null
    const { project } = opened
    const db = opened.db.asService('supabase_auth_admin', 'the outbox is the service’s own')
    const next = await deliverMails({
      settings: effectiveSettings(project),
      db,
      outbound,
      clientIp: null,
      options: { ...options, signal: breakingOff.signal },
      clientName: new URL(projectUrl(project)).hostname,
      log: log.child({ ref }),
      stopping: stopping.signal,
    })
    if (next === null && !stopping.signal.aborted && !isMarked(ref)) await marks.clear(ref, 2 * MARK_SECONDS)
    return next
  }

  const isMarked = (ref: string) => (markedAt.get(ref) ?? 0) > Date.now() - MARK_SECONDS * 1_000

  const sweep = async () => {
    const refs = await marks.list()
    // A few each moment: nobody waits for them, and each opens a database.
    for (const ref of refs) {
      if (stopping.signal.aborted) return
      if (!rounds.has(ref)) schedule(ref, 0)
      await wait(20, undefined, { ref: false })
    }
  }
  const sweepQuietly = () =>
    void sweep().catch((error: unknown) => log.warn({ error }, 'mails left behind could not be looked for'))

  return {
    forRequest: ({ ref }) => {
      let isUsed = false
      return {
        claimSeconds: options.claimSeconds,
        announce: async () => {
          isUsed = true
          if (isMarked(ref)) return
          try {
            await marks.mark(ref)
            markedAt.delete(ref)
            markedAt.set(ref, Date.now())
            const [oldest] = markedAt.keys()
            if (markedAt.size > REMEMBERED_MAX && oldest !== undefined) markedAt.delete(oldest)
          } catch (error) {
            // The mail leaves all the same, unless this process ends before.
            log.warn({ ref, error }, 'a project’s outbox could not be marked')
          }
        },
        flush: () => {
          if (isUsed) schedule(ref, 0)
        },
      }
    },
    start: () => {
      sweepQuietly()
      sweeper = setInterval(sweepQuietly, SWEEP_MS)
      sweeper.unref()
    },
    close: async () => {
      stopping.abort()
      if (sweeper !== null) clearInterval(sweeper)
      for (const { timer } of rounds.values()) if (timer !== null) clearTimeout(timer)
      const settled = Promise.allSettled(underWay)
      await Promise.race([settled, wait(CLOSE_GRACE_MS)])
      // What is broken off is noted as failed, while there still is a database to note it in.
      breakingOff.abort()
      await Promise.race([settled, wait(CLOSE_GRACE_MS)])
    },
  }
}
