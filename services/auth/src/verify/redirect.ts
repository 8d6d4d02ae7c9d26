import type { AuthError } from '../errors.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'

/** OAuth's names for the statuses that have one. */
const oauthErrors: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  401: 'unauthorized_client',
  403: 'access_denied',
  500: 'server_error',
  503: 'temporarily_unavailable',
}

/** The fragment stays in the browser: a session never stands in a server's log. `sb` tells clients whose fragment it is. */
export function sessionRedirect(session: IssuedSession, type: string, redirectTo: string): string {
  const { accessToken, refreshToken } = session
  const fragment = new URLSearchParams({
    access_token: accessToken.text,
    expires_at: String(accessToken.expiresAt),
    expires_in: String(accessToken.expiresAt - Math.floor(Date.now() / 1000)),
    refresh_token: refreshToken,
    sb: '',
    token_type: 'bearer',
    type,
  })
  return withFragment(redirectTo, fragment)
}

export function errorRedirect(error: AuthError, redirectTo: string, isPkce: boolean): string {
  const oauthError = oauthErrors[error.status]
  const told = {
    ...(oauthError === undefined ? {} : { error: oauthError }),
    error_code: error.code,
    error_description: error.message,
  }
  return withFragment(
    isPkce ? withQuery(redirectTo, told) : redirectTo,
    new URLSearchParams({ ...told, sb: '' }),
  )
}

export function messageRedirect(message: string, redirectTo: string, isPkce: boolean): string {
  return withFragment(
    isPkce ? withQuery(redirectTo, { message }) : redirectTo,
    new URLSearchParams({ message, sb: '' }),
  )
}

export function withQuery(redirectTo: string, members: Readonly<Record<string, string>>): string {
  const url = new URL(redirectTo)
  for (const [name, value] of Object.entries(members)) url.searchParams.set(name, value)
  return url.toString()
}

function withFragment(redirectTo: string, fragment: URLSearchParams): string {
  const [withoutFragment = ''] = redirectTo.split('#')
  return `${withoutFragment}#${fragment.toString()}`
}
