import type { ExternalProviderName } from '@favo/contracts'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { isAppleIssuer, isAzureIssuer, issuers } from '../oidc/id-token-profile.ts'
import { peekIssuer } from '../oidc/verify-id-token.ts'
import { findCustomProviderRow } from './custom-provider.ts'
import { clientIdsOf, providerSettings } from './find-provider.ts'

/** Whose id tokens are accepted under a provider's name, and for which clients. */
export interface TokenIssuer {
  readonly provider: string
  readonly issuer: string
  readonly discoveryUrl?: string
  readonly clientIds: readonly string[]
  readonly skipNonceCheck: boolean
  readonly emailOptional: boolean
}

interface Asked {
  readonly provider: string
  readonly issuer: string
  readonly id_token: string
}

/** Mirrors auth internal/api/token_oidc.go@bc32168 getProvider. */
export async function findTokenIssuer(ctx: AuthContext, asked: Asked): Promise<TokenIssuer> {
  if (asked.provider.startsWith('custom:')) return findCustomIssuer(ctx, asked.provider)
  const known = findKnownIssuer(ctx, asked)
  if (known === null)
    throw authErrors.validationFailed(`Custom OIDC provider ${JSON.stringify(asked.provider)} not allowed`)
  const settings = providerSettings(ctx.settings, known.provider)
  if (!settings.enabled) throw disabled(`Provider (issuer ${JSON.stringify(known.issuer)}) is not enabled`)
  return {
    ...known,
    clientIds: clientIdsOf(settings),
    // Facebook's limited login has no nonce to check.
    skipNonceCheck: settings.skipNonceCheck || known.provider === 'facebook',
    emailOptional: settings.emailOptional,
  }
}

const disabled = (message: string) => new AuthError(400, 'provider_disabled', message)

function findKnownIssuer(
  ctx: AuthContext,
  { provider, issuer, id_token: token }: Asked,
): { readonly provider: ExternalProviderName; readonly issuer: string } | null {
  if (provider === 'apple' || isAppleIssuer(issuer))
    return { provider: 'apple', issuer: detectIssuer(token, issuer, 'Apple', isAppleIssuer) }
  if (provider === 'google' || issuer === issuers.google)
    return { provider: 'google', issuer: issuers.google }
  if (provider === 'azure' || isAzureIssuer(issuer))
    return { provider: 'azure', issuer: detectIssuer(token, issuer, 'Azure', isOfAzure) }
  if (provider === 'facebook' || issuer === issuers.facebook)
    return { provider: 'facebook', issuer: issuers.facebook }
  const keycloak = providerSettings(ctx.settings, 'keycloak')
  if (provider === 'keycloak' || (keycloak.enabled && keycloak.url !== '' && issuer === keycloak.url))
    return { provider: 'keycloak', issuer: keycloak.url }
  if (provider === 'kakao' || issuer === issuers.kakao) return { provider: 'kakao', issuer: issuers.kakao }
  if (provider === 'vercel_marketplace' || issuer === issuers.vercelMarketplace)
    return { provider: 'vercel_marketplace', issuer: issuers.vercelMarketplace }
  if (provider === 'snapchat' || issuer === issuers.snapchat)
    return { provider: 'snapchat', issuer: issuers.snapchat }
  return null
}

const isOfAzure = (issuer: string) =>
  issuer.startsWith('https://login.microsoftonline.com/') || issuer.startsWith('https://sts.windows.net/')

/** Providers with several issuers: the token's own, if it is one of them. */
function detectIssuer(
  token: string,
  asked: string,
  title: string,
  isOne: (issuer: string) => boolean,
): string {
  const issuer = peekIssuer(token)
  if (issuer === null)
    throw authErrors.validationFailed(`Unable to detect issuer in ID token for ${title} provider`)
  if (!isOne(issuer))
    throw authErrors.validationFailed(`Detected ID token issuer is not an ${title} ID token issuer`)
  if (asked !== '' && asked !== issuer)
    throw authErrors.validationFailed('Provided issuer does not match ID token issuer')
  return issuer
}

async function findCustomIssuer(ctx: AuthContext, identifier: string): Promise<TokenIssuer> {
  if (!ctx.settings.customOAuthEnabled)
    throw authErrors.validationFailed('Custom OAuth providers are disabled')
  const quoted = JSON.stringify(identifier)
  const row = await findCustomProviderRow(ctx.db, identifier)
  if (row === null) throw authErrors.validationFailed(`Custom provider ${quoted} not found`)
  if (!row.enabled) throw disabled(`Custom provider ${quoted} is disabled`)
  if (row.provider_type !== 'oidc' || row.issuer === null)
    throw authErrors.validationFailed(`Provider ${quoted} is not an OIDC provider`)
  return {
    provider: identifier,
    issuer: row.issuer,
    discoveryUrl: row.discovery_url ?? undefined,
    clientIds: [row.client_id, ...row.acceptable_client_ids],
    skipNonceCheck: row.skip_nonce_check,
    emailOptional: row.email_optional,
  }
}
