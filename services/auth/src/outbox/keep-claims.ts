import type { Queryable } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import { keepClaim } from './outbox.sql.ts'

/** While the work lasts, what it delivers is nobody else's; `ids` gives what is left of it. */
export async function keepingClaims<Result>(
  { db, log, claimSeconds }: { readonly db: Queryable; readonly log: Logger; readonly claimSeconds: number },
  ids: () => readonly string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const keep = () =>
    void keepClaim(db, ids(), claimSeconds).catch((error: unknown) =>
      log.warn({ error }, 'claims on mails could not be kept'),
    )
  const keeping = setInterval(keep, (claimSeconds * 1_000) / 3)
  try {
    return await work()
  } finally {
    clearInterval(keeping)
  }
}
