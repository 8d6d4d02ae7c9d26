import { DatabaseError, type Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { LostRace } from './arrive.ts'

const TRIES_MAX = 3

/** A transaction in which somebody arrives, tried again when it lost a race against another arrival of the same. */
export async function inArrival<T>(ctx: AuthContext, work: (tx: Queryable) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ctx.db.transaction(work)
    } catch (error) {
      if (tries === TRIES_MAX || !isLostRace(error)) throw error
    }
  }
}

const isLostRace = (error: unknown): boolean =>
  error instanceof LostRace ||
  (error instanceof DatabaseError && error.constraint === 'identities_provider_id_provider_unique')
