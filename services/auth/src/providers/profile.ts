import type { Json } from '../users/user.ts'

export interface ProviderEmail {
  readonly email: string
  readonly isVerified: boolean
  readonly isPrimary: boolean
}

/** What a provider says about somebody. `claims` become identity_data; the address stands in `emails` only. */
export interface Profile {
  readonly emails: readonly ProviderEmail[]
  readonly claims: Json
}

/** The claims that GoTrue keeps (auth internal/api/provider/provider.go@bc32168), and what they must be. */
const claimTypes: Readonly<Record<string, 'text' | 'flag' | 'number' | 'any'>> = {
  iss: 'text',
  sub: 'text',
  aud: 'any',
  iat: 'number',
  exp: 'number',
  name: 'text',
  family_name: 'text',
  given_name: 'text',
  middle_name: 'text',
  nickname: 'text',
  preferred_username: 'text',
  profile: 'text',
  picture: 'text',
  website: 'text',
  gender: 'text',
  birthdate: 'text',
  zoneinfo: 'text',
  locale: 'text',
  updated_at: 'any',
  email: 'text',
  email_verified: 'flag',
  phone: 'text',
  phone_verified: 'flag',
  custom_claims: 'any',
  full_name: 'text',
  avatar_url: 'text',
  slug: 'text',
  provider_id: 'text',
  user_name: 'text',
}
const matches = {
  text: (value: unknown) => typeof value === 'string' && value !== '',
  flag: (value: unknown) => value === true,
  number: (value: unknown) => typeof value === 'number' && value !== 0,
  any: (value: unknown) => value !== null && value !== undefined,
}

/** Known claims that say something; what is of another type, or of another name, is not kept. */
export function knownClaims(claims: Json): Json {
  return Object.fromEntries(
    Object.entries(claims).filter(([name, value]) => {
      const type = Object.hasOwn(claimTypes, name) ? claimTypes[name] : undefined
      return type !== undefined && matches[type](value)
    }),
  )
}

export const isKnownClaim = (name: string): boolean => Object.hasOwn(claimTypes, name)

/** identity_data: the claims with the address that counts, in lower case as GoTrue stores it, and whether it is verified. */
export function identityData(profile: Profile): Json {
  const { email, isVerified } = profile.emails.find((each) => each.isPrimary) ??
    profile.emails.at(-1) ?? { email: '', isVerified: false }
  return {
    ...knownClaims(profile.claims),
    ...(email === '' ? {} : { email: email.toLowerCase() }),
    email_verified: isVerified,
    phone_verified: profile.claims.phone_verified === true,
  }
}

export const subjectOf = (profile: Profile): string =>
  typeof profile.claims.sub === 'string' ? profile.claims.sub : ''

/** The one address of most providers. */
export const oneEmail = (email: unknown, isVerified: boolean): readonly ProviderEmail[] =>
  typeof email === 'string' && email !== '' ? [{ email, isVerified, isPrimary: true }] : []
