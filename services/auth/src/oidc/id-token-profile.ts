import { knownClaims, oneEmail, type Profile } from '../providers/profile.ts'
import type { Json } from '../users/user.ts'

export const issuers = {
  google: 'https://accounts.google.com',
  apple: 'https://appleid.apple.com',
  appleOther: 'https://account.apple.com',
  facebook: 'https://www.facebook.com',
  kakao: 'https://kauth.kakao.com',
  linkedin: 'https://www.linkedin.com/oauth',
  snapchat: 'https://accounts.snapchat.com/accounts/oauth2/token',
  vercelMarketplace: 'https://marketplace.vercel.com',
} as const

export const isAppleIssuer = (issuer: string): boolean =>
  issuer === issuers.apple || issuer === issuers.appleOther
export const isAzureIssuer = (issuer: string): boolean =>
  /^https:\/\/login[.]microsoftonline[.]com\/[^/]+\/v2[.]0\/?$/.test(issuer)
export const isAzureCiamIssuer = (issuer: string): boolean =>
  /^https:\/\/[a-z0-9-]+[.]ciamlogin[.]com\/[^/]+\/v2[.]0\/?$/.test(issuer)

/** How each issuer tells who somebody is. Mirrors auth internal/api/provider/oidc.go@bc32168. */
export function readIdToken(claims: Json): Profile {
  const issuer = typeof claims.iss === 'string' ? claims.iss : ''
  const read = readers[issuer] ?? (isAzureIssuer(issuer) ? readAzure : readGeneric)
  return read(claims)
}

type Reader = (claims: Json) => Profile

const readGoogle: Reader = (claims) => ({
  emails: oneEmail(claims.email, claims.email_verified === true || claims.verified_email === true),
  claims: {
    iss: claims.iss,
    sub: claims.sub,
    name: claims.name,
    picture: claims.picture,
    avatar_url: claims.picture,
    full_name: claims.name,
    provider_id: claims.sub,
    ...(claims.hd === undefined || claims.hd === '' ? {} : { custom_claims: { hd: claims.hd } }),
  },
})

const readApple: Reader = (claims) => {
  const custom = {
    ...(claims.is_private_email === undefined
      ? {}
      : { is_private_email: claims.is_private_email === true || claims.is_private_email === 'true' }),
    ...(typeof claims.auth_time === 'number' ? { auth_time: claims.auth_time } : {}),
    ...(typeof claims.transfer_sub === 'string' && claims.transfer_sub !== ''
      ? { transfer_sub: claims.transfer_sub }
      : {}),
  }
  return {
    emails: oneEmail(claims.email, true),
    claims: {
      iss: claims.iss,
      sub: claims.sub,
      provider_id: claims.sub,
      ...(Object.keys(custom).length === 0 ? {} : { custom_claims: custom }),
    },
  }
}

const readFacebook: Reader = (claims) => ({
  emails: oneEmail(claims.email, true),
  claims: {
    iss: claims.iss,
    sub: claims.sub,
    name: claims.name,
    picture: claims.picture,
    provider_id: claims.sub,
  },
})

const readLinkedin: Reader = (claims) => {
  const { given_name: given = '', family_name: family = '' } = claims
  return {
    // A text, unlike the standard's flag.
    emails: oneEmail(claims.email, claims.email_verified === 'true' || claims.email_verified === true),
    claims: {
      iss: claims.iss,
      sub: claims.sub,
      name: `${String(given)} ${String(family)}`.trim(),
      given_name: given,
      family_name: family,
      locale: claims.locale,
      picture: claims.picture,
      provider_id: claims.sub,
    },
  }
}

const readKakao: Reader = (claims) => ({
  emails: oneEmail(claims.email, true),
  claims: {
    iss: claims.iss,
    sub: claims.sub,
    name: claims.nickname,
    preferred_username: claims.nickname,
    provider_id: claims.sub,
    picture: claims.picture,
  },
})

const readVercelMarketplace: Reader = (claims) => {
  const globalId = claims.global_user_id
  const sub = typeof globalId === 'string' && globalId !== '' ? `global_user_id:${globalId}` : claims.sub
  return {
    emails: oneEmail(claims.user_email, true),
    claims: {
      iss: claims.iss,
      sub,
      provider_id: sub,
      name: claims.user_name,
      picture: claims.user_avatar_url,
    },
  }
}

const readSnapchat: Reader = (claims) => ({
  emails: oneEmail(claims.email, true),
  claims: knownClaims(claims),
})

/** What Azure's tokens carry for their own sake. */
const azureOwnClaims = new Set(
  'aud iss iat nbf exp c_hash at_hash aio nonce rh uti jti ver sub name preferred_username'.split(' '),
)

const readAzure: Reader = (claims) => {
  // Only single-tenant applications get addresses that nobody verified, unless xms_edov says more.
  const edov = claims.xms_edov
  const isVerified = edov === undefined || edov === null || edov === true || edov === '1' || edov === 'true'
  return {
    emails: oneEmail(claims.email, isVerified),
    claims: {
      iss: claims.iss,
      sub: claims.sub,
      provider_id: claims.sub,
      preferred_username: claims.preferred_username,
      full_name: claims.name,
      custom_claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !azureOwnClaims.has(name))),
    },
  }
}

const readGeneric: Reader = (claims) => ({
  emails: oneEmail(claims.email, claims.email_verified === true),
  claims: knownClaims(claims),
})

const readers: Readonly<Record<string, Reader>> = {
  [issuers.google]: readGoogle,
  [issuers.apple]: readApple,
  [issuers.appleOther]: readApple,
  [issuers.facebook]: readFacebook,
  [issuers.linkedin]: readLinkedin,
  [issuers.kakao]: readKakao,
  [issuers.vercelMarketplace]: readVercelMarketplace,
  [issuers.snapchat]: readSnapchat,
}
