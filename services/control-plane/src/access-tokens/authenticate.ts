import { timingSafeEqual } from 'node:crypto'
import type { Db } from '@favo/postgres'
import { sha256Hex } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import { findTokenByHash, markTokenUsed } from './access-tokens.sql.ts'
import type { FailureLimit } from './failure-limit.ts'

/** Who makes a request to `/v1`. The bootstrap token is the operator's on the machine itself. */
export type Actor =
  { readonly kind: 'bootstrap' } | { readonly kind: 'token'; readonly id: string; readonly name: string }

export interface Authenticator {
  readonly db: Db
  /** SHA-256 of the bootstrap token, hex. */
  readonly bootstrapTokenHash: string
  readonly limit: FailureLimit
  readonly clock: () => Date
}

/** Throws 401, or 429 after too many wrong tokens. */
export async function authenticate(
  { db, bootstrapTokenHash, limit, clock }: Authenticator,
  authorization: string | undefined,
  address: string,
): Promise<Actor> {
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (token === undefined)
    throw controlErrors.unauthorized('Send a personal access token: `Authorization: Bearer sbp_…`.')
  const hash = sha256Hex(token)
  if (timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(bootstrapTokenHash, 'hex')))
    return { kind: 'bootstrap' }

  const nowMs = clock().getTime()
  const waitSeconds = limit.waitSeconds(address, hash, nowMs)
  if (waitSeconds !== null) throw controlErrors.tooManyBadTokens(waitSeconds)
  const found = /^sbp_[0-9a-f]{40}$/.test(token) ? await findTokenByHash(db, hash) : null
  if (found === null) {
    limit.recordFailure(address, nowMs)
    throw controlErrors.unauthorized('This access token is not valid: it is unknown, revoked or expired.')
  }
  limit.recordSuccess(hash, nowMs)
  if (!found.used_lately) await markTokenUsed(db, found.id)
  return { kind: 'token', id: found.id, name: found.name }
}
