import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { fetchDiscovery, type Discovery } from '../oidc/discovery.ts'
import type { Json } from '../users/user.ts'
import {
  insertCustomProvider,
  updateCustomProvider,
  type CustomProviderValues,
  type StoredCustomProvider,
} from './custom-providers.sql.ts'

/** null leaves a member as it is. */
export interface CustomProviderInput {
  readonly provider_type: string
  readonly identifier: string
  readonly name: string
  readonly client_id: string
  readonly client_secret: string
  readonly acceptable_client_ids: readonly string[] | null
  readonly scopes: readonly string[] | null
  readonly pkce_enabled: boolean | null
  readonly attribute_mapping: Json | null
  readonly custom_claims_allowlist: readonly string[] | null
  readonly authorization_params: Json | null
  readonly enabled: boolean | null
  readonly email_optional: boolean | null
  readonly issuer: string
  readonly discovery_url: string | null
  readonly skip_nonce_check: boolean | null
  readonly authorization_url: string
  readonly token_url: string
  readonly userinfo_url: string
  readonly jwks_uri: string | null
}

const invalid = authErrors.validationFailed

/** Mirrors auth internal/api/custom_oauth_admin.go@bc32168. */
export async function createCustomProvider(
  ctx: AuthContext,
  input: CustomProviderInput,
): Promise<StoredCustomProvider> {
  const { provider_type: type } = input
  if (type !== 'oauth2' && type !== 'oidc') throw invalid("provider_type must be either 'oauth2' or 'oidc'")
  checkRequired(input, type)
  checkMembers(input)
  checkUrls(input, type)
  const isOidc = type === 'oidc'
  const draft: CustomProviderValues = {
    provider_type: type,
    identifier: input.identifier,
    name: input.name,
    client_id: input.client_id,
    client_secret: input.client_secret,
    acceptable_client_ids: input.acceptable_client_ids ?? [],
    scopes: scopesOf(input.scopes ?? [], isOidc),
    pkce_enabled: input.pkce_enabled ?? true,
    attribute_mapping: input.attribute_mapping ?? {},
    custom_claims_allowlist: input.custom_claims_allowlist ?? [],
    authorization_params: input.authorization_params ?? {},
    enabled: input.enabled ?? true,
    email_optional: input.email_optional ?? false,
    issuer: isOidc ? input.issuer : null,
    discovery_url: isOidc ? input.discovery_url : null,
    skip_nonce_check: isOidc && input.skip_nonce_check === true,
    authorization_url: isOidc ? null : input.authorization_url,
    token_url: isOidc ? null : input.token_url,
    userinfo_url: isOidc ? null : input.userinfo_url,
    jwks_uri: isOidc ? null : input.jwks_uri,
    cached_discovery: null,
  }
  const values = isOidc ? { ...draft, cached_discovery: await discover(ctx, draft) } : draft
  const created = await insertCustomProvider(ctx.db, values)
  if (created === null)
    throw new AuthError(400, 'conflict', 'A custom OAuth provider with this identifier already exists')
  return created
}

export async function changeCustomProvider(
  ctx: AuthContext,
  stored: StoredCustomProvider,
  input: CustomProviderInput,
): Promise<StoredCustomProvider> {
  checkMembers(input)
  checkUrls(input, stored.provider_type)
  const isOidc = stored.provider_type === 'oidc'
  const or = (given: string, kept: string | null) => (given === '' ? kept : given)
  const draft: CustomProviderValues = {
    ...stored,
    name: or(input.name, stored.name) ?? '',
    client_id: or(input.client_id, stored.client_id) ?? '',
    client_secret: or(input.client_secret, stored.client_secret) ?? '',
    acceptable_client_ids: input.acceptable_client_ids ?? stored.acceptable_client_ids,
    scopes: input.scopes === null ? stored.scopes : scopesOf(input.scopes, isOidc),
    pkce_enabled: input.pkce_enabled ?? stored.pkce_enabled,
    attribute_mapping: input.attribute_mapping ?? stored.attribute_mapping,
    custom_claims_allowlist: input.custom_claims_allowlist ?? stored.custom_claims_allowlist,
    authorization_params: input.authorization_params ?? stored.authorization_params,
    enabled: input.enabled ?? stored.enabled,
    email_optional: input.email_optional ?? stored.email_optional,
    ...(isOidc
      ? {
          issuer: or(input.issuer, stored.issuer),
          discovery_url: or(input.discovery_url ?? '', stored.discovery_url),
          skip_nonce_check: input.skip_nonce_check ?? stored.skip_nonce_check,
        }
      : {
          authorization_url: or(input.authorization_url, stored.authorization_url),
          token_url: or(input.token_url, stored.token_url),
          userinfo_url: or(input.userinfo_url, stored.userinfo_url),
          jwks_uri: or(input.jwks_uri ?? '', stored.jwks_uri),
        }),
  }
  const isMoved = isOidc && (input.issuer !== '' || input.discovery_url !== null)
  const values = isMoved ? { ...draft, cached_discovery: await discover(ctx, draft) } : draft
  const changed = await updateCustomProvider(ctx.db, stored.id, values)
  if (changed === null)
    throw new AuthError(404, 'custom_provider_not_found', 'Custom OAuth provider not found')
  return changed
}

function checkRequired(input: CustomProviderInput, type: 'oauth2' | 'oidc'): void {
  if (input.identifier === '') throw invalid('identifier is required')
  checkIdentifier(input.identifier)
  for (const name of ['name', 'client_id', 'client_secret'] as const)
    if (input[name] === '') throw invalid(`${name} is required`)
  if (type === 'oidc' && input.issuer === '') throw invalid('issuer is required for OIDC providers')
  if (type === 'oauth2')
    for (const name of ['authorization_url', 'token_url', 'userinfo_url'] as const)
      if (input[name] === '') throw invalid(`${name} is required for OAuth2 providers`)
}

export function checkIdentifier(identifier: string): void {
  if (!identifier.startsWith('custom:'))
    throw invalid(`identifier must start with 'custom:' prefix, e.g. 'custom:${identifier}'`)
}

const reserved = new Set(
  'client_id client_secret redirect_uri response_type state code_challenge code_challenge_method code_verifier nonce'.split(
    ' ',
  ),
)
/** What says who somebody is, or what he may do: no provider's affair. */
const systemFields = new Set(
  'id aud role app_metadata created_at updated_at confirmed_at email_confirmed_at phone_confirmed_at email_verified phone_verified banned_until is_super_admin'.split(
    ' ',
  ),
)

function checkMembers(input: CustomProviderInput): void {
  for (const [name, value] of Object.entries(input.authorization_params ?? {})) {
    if (reserved.has(name)) throw invalid(`Cannot override reserved OAuth parameter: ${name}`)
    if (typeof value !== 'string') throw invalid(`Authorization parameter "${name}" must be a string`)
  }
  for (const name of Object.keys(input.attribute_mapping ?? {}))
    if (systemFields.has(name)) throw invalid(`Cannot map to protected system field: ${name}`)
  if ((input.custom_claims_allowlist ?? []).some((name) => name.trim() === ''))
    throw invalid('custom_claims_allowlist entries must be non-empty strings')
}

/** Where such an address really leads is judged when it is called. */
function checkUrls(input: CustomProviderInput, type: 'oauth2' | 'oidc'): void {
  const urls =
    type === 'oidc'
      ? [input.issuer, input.discovery_url]
      : [input.authorization_url, input.token_url, input.userinfo_url, input.jwks_uri]
  for (const url of urls) {
    if (url === null || url === '') continue
    if (!URL.canParse(url)) throw invalid('Invalid URL format')
    const { protocol, hostname } = new URL(url)
    if (protocol !== 'https:') throw invalid('URL must use HTTPS')
    if (/(^|\.)localhost$/.test(hostname) || ['127.0.0.1', '0.0.0.0', '[::1]', '[::]'].includes(hostname))
      throw invalid('URL cannot point to localhost or loopback addresses')
  }
}

const scopesOf = (scopes: readonly string[], isOidc: boolean): readonly string[] =>
  isOidc && !scopes.includes('openid') ? ['openid', ...scopes] : scopes

/** A wrong address is told to who types it, and not to users later. */
async function discover(ctx: AuthContext, provider: CustomProviderValues): Promise<Json> {
  const issuer = provider.issuer ?? ''
  const given = provider.discovery_url ?? ''
  const url = given === '' ? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration` : given
  const found = await fetchDiscovery(ctx.outbound, issuer, url).catch((error: unknown) => {
    ctx.log.info({ error, url }, 'OIDC discovery failed')
    throw invalid(`OIDC discovery from "${url}" failed`)
  })
  const required = ['authorization_endpoint', 'token_endpoint'] as const satisfies (keyof Discovery)[]
  const missing = required.filter((name) => found[name] === '')
  if (missing.length > 0)
    throw invalid(`OIDC discovery document is missing required fields: ${missing.join(', ')}`)
  return { ...found }
}

const shownAlways = [
  'id',
  'provider_type',
  'identifier',
  'name',
  'client_id',
  'acceptable_client_ids',
  'scopes',
  'pkce_enabled',
  'attribute_mapping',
  'custom_claims_allowlist',
  'authorization_params',
  'enabled',
  'email_optional',
  'skip_nonce_check',
  'created_at',
  'updated_at',
] as const

/** The secret is never shown. */
export function renderCustomProvider(row: StoredCustomProvider) {
  const { issuer, discovery_url, authorization_url, token_url, userinfo_url, jwks_uri } = row
  const discovery_document = row.cached_discovery
  const optional = {
    issuer,
    discovery_url,
    discovery_document,
    authorization_url,
    token_url,
    userinfo_url,
    jwks_uri,
  }
  return {
    ...Object.fromEntries(shownAlways.map((name) => [name, row[name]])),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  }
}
