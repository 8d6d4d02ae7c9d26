import { sql, type Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { readIdToken } from '../oidc/id-token-profile.ts'
import { verifyIdToken } from '../oidc/verify-id-token.ts'
import type { Json } from '../users/user.ts'
import type { ProviderCall } from './facts.ts'
import { createOAuth2Provider } from './oauth2-provider.ts'
import { readUserinfo } from './openid-facts.ts'
import { oneEmail, type Profile } from './profile.ts'
import type { Provider } from './provider.ts'
import { signInErrors } from './sign-in-errors.ts'

// Providers of the project's own making: any that speaks OpenID Connect, or OAuth 2 with a page that tells who one is.
// Mirrors auth internal/api/provider/custom_oauth.go@bc32168.

export interface CustomProviderRow {
  readonly provider_type: 'oauth2' | 'oidc'
  readonly identifier: string
  readonly client_id: string
  readonly client_secret: string
  readonly acceptable_client_ids: readonly string[]
  readonly scopes: readonly string[]
  readonly pkce_enabled: boolean
  readonly attribute_mapping: Json
  readonly custom_claims_allowlist: readonly string[]
  readonly authorization_params: Json
  readonly enabled: boolean
  readonly email_optional: boolean
  readonly issuer: string | null
  readonly discovery_url: string | null
  readonly skip_nonce_check: boolean
  readonly authorization_url: string | null
  readonly token_url: string | null
  readonly userinfo_url: string | null
}

export const findCustomProviderRow = (db: Queryable, identifier: string) =>
  db.maybeOne<CustomProviderRow>(sql`
    select provider_type, identifier, client_id, client_secret, acceptable_client_ids, scopes, pkce_enabled,
      attribute_mapping, custom_claims_allowlist, authorization_params, enabled, email_optional,
      issuer, discovery_url, skip_nonce_check, authorization_url, token_url, userinfo_url
    from auth.custom_oauth_providers
    where identifier = ${identifier}
  `)

/** Throws `refuse` when there is none, or it is off. `scopes` replaces the provider's own; blanks between. */
export async function findCustomProvider(
  ctx: AuthContext,
  identifier: string,
  scopes: string,
  refuse: (problem: string) => Error,
): Promise<Provider> {
  if (!ctx.settings.customOAuthEnabled) throw refuse('custom OAuth providers are disabled')
  const row = await findCustomProviderRow(ctx.db, identifier)
  if (row === null) throw refuse(`custom provider ${identifier} not found`)
  if (!row.enabled) throw refuse(`custom provider ${identifier} is disabled`)
  const asked = scopes.split(/\s+/).filter((scope) => scope !== '')
  const wanted = asked.length === 0 ? row.scopes : asked
  const shared = {
    clientId: row.client_id,
    clientSecret: row.client_secret,
    usesPkce: row.pkce_enabled,
    emailOptional: row.email_optional,
    fixedParams: Object.fromEntries(
      Object.entries(row.authorization_params).map(([name, value]) => [name, String(value)]),
    ),
    takesExtra: true,
    hosts: { auth: '', token: '', api: '' },
    url: '',
  }
  if (row.provider_type === 'oauth2')
    return createOAuth2Provider(ctx, {
      ...shared,
      authorizeUrl: row.authorization_url ?? '',
      tokenUrl: row.token_url ?? '',
      scopes: wanted,
      readProfile: (call) => askUserinfo(call, row, row.userinfo_url ?? ''),
    })

  const issuer = row.issuer ?? ''
  const discoveryUrl = row.discovery_url ?? undefined
  const discovery = await ctx.oidc.discover(issuer, discoveryUrl).catch((error: unknown) => {
    throw signInErrors.providerUnreachable(error)
  })
  return createOAuth2Provider(ctx, {
    ...shared,
    authorizeUrl: discovery.authorization_endpoint,
    tokenUrl: discovery.token_endpoint,
    scopes: wanted.includes('openid') ? wanted : ['openid', ...wanted],
    discoveryUrl,
    readProfile: async (call) => {
      const { idToken } = call.tokens
      if (idToken === '') return askUserinfo(call, row, discovery.userinfo_endpoint)
      const claims = await verifyIdToken(ctx.oidc, idToken, { issuer, discoveryUrl, clientId: null })
      checkAudience(claims, row)
      return mapProfile(readIdToken(claims), claims, row)
    },
  })
}

function checkAudience(claims: Json, { client_id, acceptable_client_ids }: CustomProviderRow): void {
  const audiences = [claims.aud].flat()
  if (![client_id, ...acceptable_client_ids].some((id) => audiences.includes(id)))
    throw new Error('token audience does not match any acceptable client ID')
}

async function askUserinfo(call: ProviderCall, row: CustomProviderRow, url: string): Promise<Profile> {
  if (url === '') throw new Error('no ID token or userinfo endpoint available')
  const answer = (await call.get(url)) as Record<string, unknown>
  return mapProfile(readUserinfo(answer), answer, row)
}

/** A text names the claim that a claim is taken from; anything else is the value itself. */
function mapProfile(profile: Profile, raw: Json, row: CustomProviderRow): Profile {
  const kept = row.custom_claims_allowlist.filter((name) => Object.hasOwn(raw, name))
  const known = profile.claims.custom_claims
  const custom = { ...(typeof known === 'object' ? known : {}), ...pick(raw, kept) }
  const [first] = profile.emails
  const base: Json = {
    ...profile.claims,
    ...(Object.keys(custom).length === 0 ? {} : { custom_claims: custom }),
    ...(first === undefined ? {} : { email: first.email, email_verified: first.isVerified }),
  }
  const mapped = Object.entries(row.attribute_mapping).flatMap(([name, from]) =>
    typeof from !== 'string'
      ? [[name, from] as const]
      : Object.hasOwn(base, from)
        ? [[name, base[from]] as const]
        : [],
  )
  const claims = { ...base, ...Object.fromEntries(mapped) }
  return { emails: oneEmail(claims.email, claims.email_verified === true), claims }
}

const pick = (from: Json, names: readonly string[]): Json =>
  Object.fromEntries(names.map((name) => [name, from[name]]))
