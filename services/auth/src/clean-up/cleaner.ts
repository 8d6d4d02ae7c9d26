import type { Db } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { EffectiveSettings } from '../settings.ts'
import { cleanUp, stepCount } from './clean-up.sql.ts'

const REMEMBERED_MAX = 20_000

/**
 * Removes what has expired a batch at a time, right after a request of the same project was answered: a connection is at
 * hand then, and a project that nobody uses is never opened for it. GoTrue does it the same way.
 */
export interface Cleaner {
  afterRequest(request: CleanedRequest): void
  /** Resolves when what has begun is done. */
  close(): Promise<void>
}

export interface CleanedRequest {
  readonly ref: string
  readonly settings: EffectiveSettings
  readonly db: () => Db
  readonly log: () => Logger
}

interface Turn {
  step: number
  nextAtMs: number
}

export function createCleaner(
  options: { readonly intervalMs?: number; readonly now?: () => number } = {},
): Cleaner {
  const { intervalMs = 60_000, now = Date.now } = options
  const turns = new Map<string, Turn>()
  const running = new Map<string, Promise<void>>()

  const run = async ({ settings, db, log }: CleanedRequest, turn: Turn) => {
    try {
      const isMore = await cleanUp(db(), settings, turn.step)
      if (isMore) turn.nextAtMs = now()
      else turn.step = (turn.step + 1) % stepCount
    } catch (error) {
      // A dump of other make may lack a table, a statement may wait for a lock: the next step has its turn.
      turn.step = (turn.step + 1) % stepCount
      log().info({ error }, 'auth clean-up failed')
    }
  }

  return {
    afterRequest: (request) => {
      const { ref } = request
      const turn = turns.get(ref)
      if (turn === undefined) {
        // Not at the first request: most projects are used for a moment only. Where to begin is left to chance, so that
        // processes that never live long come to every step.
        turns.set(ref, { step: Math.floor(Math.random() * stepCount), nextAtMs: now() + intervalMs })
        if (turns.size > REMEMBERED_MAX) {
          const oldest = turns.keys().next()
          if (oldest.done !== true) turns.delete(oldest.value)
        }
        return
      }
      if (now() < turn.nextAtMs || running.has(ref)) return
      turn.nextAtMs = now() + intervalMs
      running.set(
        ref,
        run(request, turn).finally(() => running.delete(ref)),
      )
    },
    close: async () => {
      await Promise.all(running.values())
    },
  }
}
