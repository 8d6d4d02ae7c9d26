import { timingSafeEqual } from 'node:crypto'
import type { Db } from '@favo/postgres'
import { sha256Hex } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import type { FailureLimit } from '../rate-limits/failure-limit.ts'
import { findTokenByHash, markTokenUsed, type KnownToken } from './access-tokens.sql.ts'
import type { Actor } from './actor.ts'
import { findSessionUser, type SessionVerifier } from './sessions.ts'

export interface Authenticator {
  readonly db: Db
  /** SHA-256 of the bootstrap token, hex. */
  readonly bootstrapTokenHash: string
  readonly sessions: SessionVerifier
  readonly limit: FailureLimit
  readonly clock: () => Date
}

/**
 * A personal access token, the operator's, or the access token of a session at the platform project. Throws 401, or 429
 * after too many wrong ones.
 */
export async function authenticate(
  authenticator: Authenticator,
  authorization: string | undefined,
  address: string,
): Promise<Actor> {
  const { bootstrapTokenHash, limit, clock } = authenticator
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (token === undefined)
    throw controlErrors.unauthorized('Send a personal access token: `Authorization: Bearer sbp_…`.')
  const hash = sha256Hex(token)
  if (timingSafeEqual(Buffer.from(hash, 'hex'), Buffer.from(bootstrapTokenHash, 'hex')))
    return { kind: 'bootstrap' }

  const nowMs = clock().getTime()
  const waitSeconds = limit.waitSeconds(address, hash, nowMs)
  if (waitSeconds !== null) throw controlErrors.tooManyBadTokens(waitSeconds)
  const actor = await findActor(authenticator, token, hash)
  if (actor === null) {
    limit.recordFailure(address, nowMs)
    throw controlErrors.unauthorized('This access token is not valid: it is unknown, revoked or expired.')
  }
  limit.recordSuccess(hash, nowMs)
  return actor
}

async function findActor(
  { db, sessions, clock }: Authenticator,
  token: string,
  hash: string,
): Promise<Actor | null> {
  if (/^sbp_[0-9a-f]{40}$/.test(token)) {
    const found = await findTokenByHash(db, hash)
    if (found === null) return null
    if (!found.used_lately) await markTokenUsed(db, found.id)
    return toActor(found)
  }
  if (token.split('.').length !== 3) return null
  const user = await findSessionUser(db, await sessions.verify(token, clock()))
  return user === null ? null : { kind: 'session', user }
}

const toActor = ({ id, name, scopes, user_id: userId, ...user }: KnownToken): Actor => ({
  kind: 'token',
  id,
  name,
  scopes: scopes === null ? null : (JSON.parse(scopes) as string[]),
  user:
    userId === null
      ? null
      : {
          id: userId,
          email: user.email ?? '',
          isPlatformAdministrator: user.is_platform_administrator === true,
        },
})
