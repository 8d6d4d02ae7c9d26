import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { deleteFlow, lockFlow, type FlowRow } from '../flow-states/flow-states.sql.ts'
import { isVerifierOf } from '../flow-states/pkce.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { AuthReply } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { findUserById } from '../users/users.sql.ts'

/** The code of a followed link, with the proof that one asked for it, for a session. Mirrors auth internal/api/token.go@bc32168 PKCE. */
export function pkceGrant(ctx: AuthContext, authCode: string, verifier: string): Promise<AuthReply> {
  if (authCode === '' || verifier === '')
    throw authErrors.validationFailed('invalid request: both auth code and code verifier should be non-empty')
  return ctx.db.transaction(async (tx) => {
    const flow = isUuid(authCode) ? await lockFlow(tx, authCode) : null
    if (flow === null) throw authErrors.flowNotFound()
    if (flow.is_expired) throw authErrors.flowExpired()
    const challenge = { text: flow.code_challenge, method: flow.code_challenge_method }
    if (!isVerifierOf(challenge, verifier)) throw authErrors.badCodeVerifier()
    const user = await findUserById(tx, flow.user_id)
    const session =
      user === null
        ? null
        : await issueSession(ctx, tx, user, {
            method: flow.authentication_method,
            passwordHash: null,
            traits: { provider_type: flow.provider_type },
          })
    if (session === null) throw authErrors.flowNotFound()
    await deleteFlow(tx, flow.id)
    return renderSession(session, providerTokens(flow))
  })
}

/** With these the client calls the provider in the user's name. Not all give out a refresh token. */
function providerTokens(flow: FlowRow): Record<string, string> {
  const { provider_access_token: access, provider_refresh_token: refresh } = flow
  return {
    ...(access === null || access === '' ? {} : { provider_token: access }),
    ...(refresh === null || refresh === '' ? {} : { provider_refresh_token: refresh }),
  }
}
