import { hash, parseOptions, verify } from '@node-rs/bcrypt'
import { authErrors } from '../errors.ts'
import { FairQueue, QueueRefusal } from './fair-queue.ts'
import { createThreadBudget } from './hash-threads.ts'

/** Cost of new hashes, as in GoTrue (Go's bcrypt.DefaultCost): about 50 ms. */
const COST = 10
/**
 * The owner of a project can write any hash into auth.users, and bcrypt's time doubles with each step: at cost 31 one
 * sign-in would hold a thread that all projects share for a day. 14 is about a second, and more than importers use.
 */
const COST_MAX = 14
/** A hash of nothing anybody knows, of the usual cost: what is compared when there is no user or no password. */
const DUMMY_HASH = '$2a$10$ReKjGZTosr5PCVhWdfgR1OTF00Mfu4I/XpNPaKE54KQX7Fls1KVDu'

export interface PasswordsOptions {
  /** Of new hashes; default 10. Tests take less. */
  readonly cost?: number
  /** Hashing threads at most; default: the number of cores, at most 3. */
  readonly threadsMax?: number
  readonly waitingMax?: number
  readonly waitingPerProjectMax?: number
  /** Milliseconds a request may wait for its turn. */
  readonly waitMsMax?: number
}

/** Passwords of one project, for one request. Never called inside a transaction: it would hold a connection. */
export interface Passwords {
  hash(password: string): Promise<string>
  /**
   * Does the same work when there is no hash, so that time does not tell whether an account or a password exists. False
   * for hashes of other kinds than bcrypt.
   */
  matches(password: string, encrypted: string | null): Promise<boolean>
}

export interface PasswordWorkers {
  forProject(ref: string, signal: AbortSignal): Passwords
  /** Finished hashings and comparisons since the start. */
  readonly count: number
  close(): void
}

/**
 * bcrypt off the event loop, behind one queue for all projects. It throws GoTrue's 429 when too much waits and its 504
 * when the turn did not come in time, rather than let memory grow.
 */
export function createPasswordWorkers(options: PasswordsOptions = {}): PasswordWorkers {
  const queue = new FairQueue({
    concurrency: createThreadBudget(options.threadsMax),
    waitingMax: options.waitingMax ?? 2_000,
    waitingPerTenantMax: options.waitingPerProjectMax ?? 200,
    waitMsMax: options.waitMsMax ?? 20_000,
  })
  const cost = options.cost ?? COST
  const dummyHash = DUMMY_HASH.replace('$10$', `$${String(cost).padStart(2, '0')}$`)
  let count = 0

  const take = async <T>(ref: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await queue.run(ref, signal, async () => {
        const result = await work()
        count += 1
        return result
      })
    } catch (error) {
      if (!(error instanceof QueueRefusal)) throw error
      throw error.kind === 'full' ? authErrors.overRequestRateLimit(error) : authErrors.requestTimeout(error)
    }
  }

  return {
    forProject: (ref, signal) => ({
      hash: (password) => take(ref, signal, () => hash(password, { cost, version: '2a' })),
      matches: async (password, encrypted) => {
        const usable = encrypted !== null && isAffordable(encrypted) ? encrypted : null
        const isMatch = await take(ref, signal, () => verify(password, usable ?? dummyHash))
        return isMatch && usable !== null
      },
    }),
    get count() {
      return count
    },
    close: () => queue.close(),
  }
}

function isAffordable(encrypted: string): boolean {
  try {
    return parseOptions(encrypted).cost <= COST_MAX
  } catch {
    return false
  }
}
