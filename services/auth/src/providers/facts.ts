import type { Json } from '../users/user.ts'
import type { Profile } from './profile.ts'

/** What came for a code. */
export interface ProviderTokens {
  readonly accessToken: string
  /** Empty where the provider gives none. */
  readonly refreshToken: string
  readonly idToken: string
  /** The whole reply. */
  readonly reply: Json
}

/** Addresses without a slash at the end. A provider that customers host themselves has one address for all. */
export interface ProviderHosts {
  readonly auth: string
  readonly token: string
  readonly api: string
}

/** What a provider's reader may use. */
export interface ProviderCall {
  readonly hosts: ProviderHosts
  readonly clientId: string
  readonly clientSecret: string
  /** The customer's own address of the provider; empty for most. */
  readonly url: string
  readonly tokens: ProviderTokens
  /** What the browser brought back. */
  readonly returned: URLSearchParams
  /** JSON at an address, asked for with the user's access token. Throws when it is refused. */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<unknown>
  /** Claims of the id token, checked for this issuer and client. Throws. */
  idToken(issuer: string): Promise<Json>
}

/** What there is to know of one provider. Mirrors the files of auth internal/api/provider@bc32168. */
export interface ProviderFacts {
  /** Hosts (or paths below them) that are not `auth` default to it. */
  readonly hosts: { readonly auth: string; readonly token?: string; readonly api?: string }
  readonly authorizePath: string
  readonly tokenPath: string
  /** Endpoints are what this issuer publishes, in place of hosts and paths. */
  readonly issuer?: string
  /** Always asked for. */
  readonly scopes: readonly string[]
  /** The provider has no use for scopes that a client names. */
  readonly hasFixedScopes?: boolean
  /** Its self-hosted form is the only one there is. */
  readonly needsUrl?: boolean
  readonly usesPkce?: boolean
  /** Sent with every authorization request; then what the client asks to pass on is not. */
  readonly authorizeParams?: Readonly<Record<string, string>>
  readonly readProfile: (call: ProviderCall) => Promise<Profile>
}

/** Members of what a provider answered, whatever it is. */
export const member = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inside, key) =>
      typeof inside === 'object' && inside !== null && Object.hasOwn(inside, key)
        ? (inside as Record<string | number, unknown>)[key]
        : undefined,
    value,
  )
export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = member(value, ...path)
  return typeof found === 'string' ? found : ''
}
/** Numbers that are ids. */
export const idAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = member(value, ...path)
  return typeof found === 'number' || typeof found === 'bigint' ? String(found) : textAt(value, ...path)
}
export const listAt = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = member(value, ...path)
  return Array.isArray(found) ? found : []
}

/** The claims that most providers fill, with the names that GoTrue keeps for old clients. */
export const commonClaims = (claims: {
  readonly issuer: string
  readonly id: string
  readonly name: string
  readonly picture?: string
  readonly more?: Json
}): Json => ({
  iss: claims.issuer,
  sub: claims.id,
  name: claims.name,
  picture: claims.picture,
  avatar_url: claims.picture,
  full_name: claims.name,
  provider_id: claims.id,
  ...claims.more,
})

export const joined = (...parts: readonly string[]): string => parts.join(' ').trim()
