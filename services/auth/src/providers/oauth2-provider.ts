import { createHash, randomBytes } from 'node:crypto'
import type { AuthContext } from '../context.ts'
import { verifyIdToken } from '../oidc/verify-id-token.ts'
import { askElsewhere, readJson } from './ask-elsewhere.ts'
import { exchangeCode } from './exchange-code.ts'
import type { ProviderCall, ProviderTokens } from './facts.ts'
import type { Profile } from './profile.ts'
import type { Provider } from './provider.ts'
import { signInErrors } from './sign-in-errors.ts'

/** A provider of OAuth 2, whether from the table of facts or of the project's own making. */
export interface OAuth2Options {
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: readonly string[]
  readonly usesPkce: boolean
  readonly emailOptional: boolean
  /** Sent with every request. */
  readonly fixedParams: Readonly<Record<string, string>>
  /** Whether what clients want to pass on is. */
  readonly takesExtra: boolean
  readonly hosts: ProviderCall['hosts']
  readonly url: string
  /** Where an issuer's document is, when not at its own address. */
  readonly discoveryUrl?: string
  readonly readProfile: (call: ProviderCall) => Promise<Profile>
}

/** Where providers send browsers back to. It depends on the project alone, not on the host that a request named. */
export const callbackUrl = (ctx: AuthContext): string => `${ctx.issuer}/callback`

export function createOAuth2Provider(ctx: AuthContext, options: OAuth2Options): Provider {
  return {
    emailOptional: options.emailOptional,
    start: async (state, extra) => {
      const secret = options.usesPkce ? randomBytes(32).toString('base64url') : null
      const url = new URL(options.authorizeUrl)
      const params: Record<string, string> = {
        ...(options.takesExtra ? Object.fromEntries(extra) : {}),
        ...options.fixedParams,
        response_type: 'code',
        client_id: options.clientId,
        redirect_uri: callbackUrl(ctx),
        ...(options.scopes.length === 0 ? {} : { scope: options.scopes.join(' ') }),
        state,
        ...(secret === null ? {} : pkceParams(secret)),
      }
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
      return { url: url.toString(), secret }
    },
    finish: async (returned, secret) => {
      const code = returned.get('code') ?? ''
      if (options.usesPkce && secret === null) throw signInErrors.pkceVerifierMissing()
      const tokens = await exchangeCode(ctx.outbound, {
        tokenUrl: options.tokenUrl,
        clientId: options.clientId,
        clientSecret: options.clientSecret,
        redirectUri: callbackUrl(ctx),
        code,
        verifier: secret,
      }).catch((error: unknown) => {
        throw signInErrors.codeRefused(code, error)
      })
      const profile = await options
        .readProfile(createCall(ctx, options, tokens, returned))
        .catch((error: unknown) => {
          throw signInErrors.profileRefused(error)
        })
      return { profile, accessToken: tokens.accessToken, refreshToken: tokens.refreshToken }
    },
  }
}

const pkceParams = (verifier: string) => ({
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
})

function createCall(
  ctx: AuthContext,
  options: OAuth2Options,
  tokens: ProviderTokens,
  returned: URLSearchParams,
): ProviderCall {
  return {
    hosts: options.hosts,
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    url: options.url,
    tokens,
    returned,
    get: async (url, headers = {}) =>
      readJson(
        await askElsewhere(ctx.outbound, {
          url,
          headers: { authorization: `Bearer ${tokens.accessToken}`, ...headers },
        }),
      ),
    idToken: (issuer) =>
      verifyIdToken(ctx.oidc, tokens.idToken, {
        issuer,
        discoveryUrl: options.discoveryUrl,
        clientId: options.clientId,
        accessToken: tokens.accessToken,
      }),
  }
}
