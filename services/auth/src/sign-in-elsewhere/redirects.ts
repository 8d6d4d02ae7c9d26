import { ConnectionError, DatabaseError } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { AuthError, type AuthErrorCode } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import type { AuthReply } from '../route.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'

/** The names that OAuth has for a status. */
const byStatus: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized_client',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
}
const denials = new Set<AuthErrorCode>([
  'signup_disabled',
  'user_banned',
  'provider_email_needs_verification',
])

/** How a refusal is told to the site, in names that browsers' libraries of OAuth know. */
export function errorParams(error: unknown): Record<string, string> {
  if (error instanceof OAuthError) return { error: error.error, error_description: error.message }
  if (error instanceof AuthError) {
    const name = denials.has(error.code) ? 'access_denied' : (byStatus[error.status] ?? 'server_error')
    return { error: name, error_description: error.message, error_code: error.code }
  }
  // What the project's own triggers raise is for its users; anything else is for the log.
  const isRaised = error instanceof DatabaseError && (error.code === 'P0001' || error.code.startsWith('PT'))
  const description = isRaised
    ? error.message
    : 'Unexpected failure, please check server logs for more information'
  return { error: 'server_error', error_code: 'unexpected_failure', error_description: description }
}

/**
 * Notes what the browser is not told. A provider that fails, or the project's own SQL, is the customer's to mend; only the
 * unknown needs a person of the platform.
 */
export function logFailure(ctx: AuthContext, error: unknown, what: string): void {
  if (error instanceof OAuthError || (error instanceof AuthError && error.status < 500)) return
  if (error instanceof AuthError) ctx.log.warn({ code: error.code, error: error.cause ?? error }, what)
  else if (error instanceof DatabaseError)
    ctx.log.warn({ sqlstate: error.code, constraint: error.constraint, table: error.table }, what)
  else if (error instanceof ConnectionError) ctx.log.warn({ error }, what)
  else ctx.log.error({ error }, what)
}

const headersTo = (location: string) => ({
  location,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
})

export const redirect = (location: string, status: 302 | 303 = 302): AuthReply => ({
  status,
  headers: headersTo(location),
})

/** In the query for servers, and in the fragment for pages; `sb` tells pages whose fragment it is. */
export function redirectWithError(target: string, params: Readonly<Record<string, string>>): AuthReply {
  const url = new URL(target)
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
  url.hash = new URLSearchParams({ ...params, sb: '' }).toString()
  return redirect(url.toString())
}

/** The fragment stays in the browser: a session never stands in a server's log. */
export function redirectWithSession(
  target: string,
  { accessToken, refreshToken }: IssuedSession,
  more: Readonly<Record<string, string>>,
): AuthReply {
  const [withoutFragment = ''] = target.split('#')
  const fragment = new URLSearchParams({
    access_token: accessToken.text,
    expires_at: String(accessToken.expiresAt),
    expires_in: String(accessToken.expiresAt - Math.floor(Date.now() / 1000)),
    ...more,
    refresh_token: refreshToken,
    sb: '',
    token_type: 'bearer',
  })
  return redirect(`${withoutFragment}#${fragment.toString()}`)
}

export function redirectWithCode(target: string, code: string): AuthReply {
  const url = new URL(target)
  url.searchParams.set('code', code)
  return redirect(url.toString())
}
