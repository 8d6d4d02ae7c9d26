import { randomUUID } from 'node:crypto'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import type { Json, UserRow } from '../users/user.ts'
import { findUserById } from '../users/users.sql.ts'
import {
  beginAuthentication,
  finishAuthentication,
  readAssertion,
  type CeremonySession,
} from '../webauthn/ceremonies.ts'
import { CHALLENGE_SECONDS, parseAnswer, requireParty, requireTaken, type Answer } from './passkey-answer.ts'
import { passkeyErrors } from './passkey-errors.ts'
import { findCredential, insertChallenge, takeChallenge, usePasskey } from './passkeys.sql.ts'

/** No list of credentials: who it is, the authenticator says. So nothing tells whether an address has an account. */
export async function offerAuthentication(ctx: AuthContext) {
  const { options, session } = await beginAuthentication(requireParty(ctx), null, [])
  const id = randomUUID()
  const expiresAt = await insertChallenge(ctx.db, {
    id,
    userId: null,
    type: 'authentication',
    session,
    expireSeconds: CHALLENGE_SECONDS,
  })
  return { challenge_id: id, options, expires_at: expiresAt }
}

/** Mirrors auth internal/api/passkey_authentication.go@bc32168 PasskeyAuthenticationVerify. */
export async function signInWithPasskey(ctx: AuthContext, input: Answer): Promise<IssuedSession> {
  const { challengeId, credential } = parseAnswer(input)
  const session = requireTaken(await takeChallenge(ctx.db, challengeId, 'authentication', null))
  const { user, passkeyId, signCount } = await prove(ctx, session, credential)
  if ((user.email ?? '') !== '' && user.email_confirmed_at === null) throw passkeyErrors.emailNotConfirmed()
  if ((user.phone ?? '') !== '' && user.phone_confirmed_at === null) throw passkeyErrors.phoneNotConfirmed()
  if (user.is_banned) throw authErrors.userBanned(403)

  return ctx.db.transaction(async (tx) => {
    if (!(await usePasskey(tx, passkeyId, signCount))) throw passkeyErrors.credentialWrong()
    const issued = await issueSession(ctx, tx, user, {
      method: 'passkey',
      passwordHash: null,
      traits: { passkey_id: passkeyId },
    })
    if (issued === null) throw authErrors.userBanned(403)
    return issued
  })
}

/** The user whose credential signed; throws when nobody's did. */
async function prove(
  ctx: AuthContext,
  session: CeremonySession,
  answer: Json,
): Promise<{ readonly user: UserRow; readonly passkeyId: string; readonly signCount: number }> {
  const assertion = readAssertion(answer)
  if (assertion === null) throw passkeyErrors.credentialInvalid()
  const { id, handle } = assertion
  const stored = isUuid(handle) ? await findCredential(ctx.db, handle, id) : null
  const user = stored === null ? null : await findUserById(ctx.db, handle)
  if (stored === null || user === null) throw passkeyErrors.credentialWrong()
  const signCount = await finishAuthentication(requireParty(ctx), session, answer, stored)
  if (signCount === null) throw passkeyErrors.credentialWrong()
  return { user, passkeyId: stored.passkeyId, signCount }
}
