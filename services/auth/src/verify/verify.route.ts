import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { issueAuthCode } from '../flow-states/flow-states.sql.ts'
import { PKCE_PREFIX } from '../one-time-tokens/one-time-token.ts'
import { body, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { renderSession, type IssuedSession } from '../sessions/session-reply.ts'
import { parseEmail, parsePhone } from '../users/addresses.ts'
import type { UserRow } from '../users/user.ts'
import { errorRedirect, messageRedirect, sessionRedirect, withQuery } from './redirect.ts'
import { isPhoneTokenKind, verifyByPhone } from './verify-phone.ts'
import { flowMethods, isEmailTokenKind, verifyByCode, verifyByHash, type Verified } from './verify-token.ts'

const HALFWAY = 'Confirmation link accepted. Please proceed to confirm link sent to the other email'

interface VerifyInput {
  readonly type: string
  readonly token: string
  readonly token_hash: string
  readonly email: string
  readonly phone: string
}

/** A code with its address, or the hash of a link, for a session. */
export const verifyRoute = route({
  operation: 'auth.verify',
  method: 'POST',
  path: '/verify',
  access: 'open',
  limit: 'verify',
  body: body('VerifyParams', {
    type: text(),
    token: text(),
    token_hash: text(),
    email: text(),
    phone: text(),
    redirect_to: text(),
  }),
  handle: async (ctx, { body }) => {
    checkVerifyInput(body)
    if (body.token_hash !== '' && (body.email !== '' || body.phone !== '' || body.redirect_to !== ''))
      throw authErrors.validationFailed('Only the token_hash and type should be provided')
    if (body.token !== '' && body.phone !== '' && body.email === '') {
      const phone = parsePhone(body.phone)
      if (!isPhoneTokenKind(body.type)) throw authErrors.otpExpired()
      return renderSession(
        await verifyByPhone(ctx, body.type, phone, body.token, (tx, user) => signIn(ctx, tx, user)),
      )
    }
    const result = await ctx.db.transaction(async (tx) => {
      const verified = await verifyPosted(ctx, tx, body)
      return verified.kind === 'halfway' ? null : signIn(ctx, tx, verified.user)
    })
    return result === null ? { status: 200, body: { msg: HALFWAY, code: '200' } } : renderSession(result)
  },
})

function checkVerifyInput({ type, token, token_hash }: VerifyInput): void {
  if (type === '') throw authErrors.validationFailed('Verify requires a verification type')
  if ((token === '') === (token_hash === ''))
    throw authErrors.validationFailed('Verify requires either a token or a token hash')
}

async function verifyPosted(ctx: AuthContext, tx: Queryable, input: VerifyInput): Promise<Verified> {
  const { type, token, email, phone } = input
  if (token === '') {
    if (!isEmailTokenKind(type)) throw authErrors.validationFailed('Invalid email verification type')
    return verifyByHash(ctx, tx, type, input.token_hash)
  }
  if ((email === '') === (phone === ''))
    throw authErrors.validationFailed('Only an email address or phone number should be provided on verify')
  const address = parseEmail(email)
  if (!isEmailTokenKind(type)) throw authErrors.otpExpired()
  return verifyByCode(ctx, tx, type, address, token)
}

async function signIn(ctx: AuthContext, tx: Queryable, user: UserRow): Promise<IssuedSession> {
  const session = await issueSession(ctx, tx, user, { method: 'otp', passwordHash: null, traits: null })
  if (session === null) throw authErrors.userBanned(403)
  return session
}

/**
 * What a link in a mail leads to: the site, with a session in the fragment, or with a code that only the client can
 * exchange that asked for the mail (PKCE). What is wrong with the link is told to the site in the same way.
 */
export const followLinkRoute = route({
  operation: 'auth.follow_link',
  method: 'GET',
  path: '/verify',
  access: 'open',
  limit: 'verify',
  handle: async (ctx, { query, redirectTo }) => {
    const [type, token] = [query.get('type') ?? '', query.get('token') ?? '']
    if (type === '') throw authErrors.validationFailed('Verify requires a verification type')
    if (token === '') throw authErrors.validationFailed('Verify requires a token or a token hash')
    const isPkce = token.startsWith(PKCE_PREFIX)
    const location = await followLink(ctx, type, token, redirectTo).catch((error: unknown) => {
      if (error instanceof AuthError && error.status < 500) return errorRedirect(error, redirectTo, isPkce)
      throw error
    })
    return {
      status: 303,
      headers: { location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    }
  },
})

function followLink(ctx: AuthContext, type: string, token: string, redirectTo: string): Promise<string> {
  return ctx.db.transaction(async (tx) => {
    if (!isEmailTokenKind(type)) throw authErrors.validationFailed('Invalid email verification type')
    const verified = await verifyByHash(ctx, tx, type, token)
    const isPkce = token.startsWith(PKCE_PREFIX)
    if (verified.kind === 'halfway') return messageRedirect(HALFWAY, redirectTo, isPkce)
    if (!isPkce) return sessionRedirect(await signIn(ctx, tx, verified.user), type, redirectTo)
    const code = await issueAuthCode(tx, verified.user.id, flowMethods[type])
    if (code === null) throw authErrors.noFlowOfUser()
    return withQuery(redirectTo, { code })
  })
}
