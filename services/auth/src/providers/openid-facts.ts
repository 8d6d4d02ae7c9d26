import { isAzureCiamIssuer, isAzureIssuer, issuers, readIdToken } from '../oidc/id-token-profile.ts'
import { peekIssuer } from '../oidc/verify-id-token.ts'
import { commonClaims, idAt, joined, member, textAt, type ProviderCall, type ProviderFacts } from './facts.ts'
import { isKnownClaim, oneEmail, type Profile } from './profile.ts'

// Providers whose tokens say who somebody is, or that speak OpenID Connect otherwise.

const nobody: Profile = { emails: [], claims: {} }
const readOwn = (issuer: string) => async (call: ProviderCall) => readIdToken(await call.idToken(issuer))

export const apple: ProviderFacts = {
  hosts: { auth: 'appleid.apple.com' },
  authorizePath: '',
  tokenPath: '',
  issuer: issuers.apple,
  scopes: ['email', 'name'],
  hasFixedScopes: true,
  authorizeParams: { response_mode: 'form_post' },
  readProfile: async (call) => {
    if (call.tokens.idToken === '') return nobody
    const profile = readIdToken(await call.idToken(issuers.apple))
    const name = appleName(call.returned.get('user') ?? '')
    return name === '' ? profile : { ...profile, claims: { ...profile.claims, name, full_name: name } }
  },
}

/** The name comes with the first sign-in only, beside the code and unsigned: good for a greeting, not for more. */
function appleName(user: string): string {
  if (user === '') return ''
  const name = member(JSON.parse(user), 'name')
  return joined(textAt(name, 'firstName'), textAt(name, 'lastName'))
}

export const google: ProviderFacts = {
  hosts: { auth: 'accounts.google.com' },
  authorizePath: '',
  tokenPath: '',
  issuer: issuers.google,
  scopes: ['email', 'profile'],
  readProfile: async (call) => {
    if (call.tokens.idToken !== '') return readOwn(issuers.google)(call)
    // Without openid among the scopes there is no id token.
    const endpoint = 'https://www.googleapis.com/userinfo/v2/me'
    const user = await call.get(endpoint)
    const isVerified = member(user, 'verified_email') === true || member(user, 'email_verified') === true
    return {
      emails: oneEmail(textAt(user, 'email'), isVerified),
      claims: commonClaims({
        issuer: endpoint,
        id: idAt(user, 'id'),
        name: textAt(user, 'name'),
        picture: textAt(user, 'picture'),
      }),
    }
  },
}

export const azure: ProviderFacts = {
  hosts: { auth: 'login.microsoftonline.com/common' },
  authorizePath: '/oauth2/v2.0/authorize',
  tokenPath: '/oauth2/v2.0/token',
  scopes: ['openid'],
  readProfile: async (call) => {
    const { idToken } = call.tokens
    if (idToken === '') throw new Error('azure: no OIDC ID token present in response')
    const issuer = peekIssuer(idToken)
    const expected = expectedAzureIssuer(call)
    const isAllowed =
      issuer !== null &&
      (isAzureIssuer(issuer) || (isAzureCiamIssuer(expected) && isAzureCiamIssuer(issuer))) &&
      (expected === '' || issuer === expected)
    if (!isAllowed) throw new Error(`azure: ID token issuer not valid "${issuer}"`)
    return readIdToken(await call.idToken(issuer))
  },
}

/** Of a customer's own tenant; any tenant's tokens are good where none was chosen. */
function expectedAzureIssuer({ url, hosts }: ProviderCall): string {
  if (url === '') return ''
  const issuer = `${hosts.auth}/v2.0`
  const isOfAll = /\/(common|organizations)\/v2\.0$/.test(issuer)
  return (isAzureIssuer(issuer) || isAzureCiamIssuer(issuer)) && !isOfAll ? issuer : ''
}

export const linkedinOidc: ProviderFacts = {
  hosts: { auth: 'api.linkedin.com' },
  authorizePath: '/oauth/v2/authorization',
  tokenPath: '/oauth/v2/accessToken',
  scopes: ['openid', 'email', 'profile'],
  readProfile: async (call) => (call.tokens.idToken === '' ? nobody : readOwn(issuers.linkedin)(call)),
}

export const vercelMarketplace: ProviderFacts = {
  hosts: { auth: 'api.vercel.com' },
  authorizePath: '/oauth/v2/authorization',
  tokenPath: '/oauth/v2/accessToken',
  scopes: [],
  readProfile: async (call) => {
    if (call.tokens.idToken === '')
      throw new Error('vercel_marketplace: no OIDC ID token present in response')
    return readOwn(issuers.vercelMarketplace)(call)
  },
}

export const keycloak: ProviderFacts = {
  hosts: { auth: '' },
  needsUrl: true,
  authorizePath: '/protocol/openid-connect/auth',
  tokenPath: '/protocol/openid-connect/token',
  scopes: ['profile', 'email'],
  readProfile: async (call) => {
    const user = await call.get(`${call.hosts.api}/protocol/openid-connect/userinfo`)
    const own = new Set(['name', 'sub', 'email', 'email_verified'])
    const custom = Object.entries(user as object).filter(([name]) => !own.has(name))
    const name = textAt(user, 'name')
    return {
      emails: oneEmail(textAt(user, 'email'), member(user, 'email_verified') === true),
      claims: {
        ...commonClaims({ issuer: call.hosts.api, id: textAt(user, 'sub'), name }),
        custom_claims: Object.fromEntries(custom),
      },
    }
  },
}

const slackProfile =
  (isVerified: (user: unknown) => boolean) =>
  async (call: ProviderCall): Promise<Profile> => {
    const user = await call.get(`${call.hosts.api}/openid.connect.userInfo`)
    return {
      emails: oneEmail(textAt(user, 'email'), isVerified(user)),
      claims: commonClaims({
        issuer: call.hosts.api,
        id: textAt(user, 'https://slack.com/user_id'),
        name: textAt(user, 'name'),
        picture: textAt(user, 'picture'),
        more: { custom_claims: { 'https://slack.com/team_id': textAt(user, 'https://slack.com/team_id') } },
      }),
    }
  }

const slackScopes = ['profile', 'email', 'openid']

export const slack: ProviderFacts = {
  hosts: { auth: 'slack.com/oauth', token: 'slack.com/api', api: 'slack.com/api' },
  authorizePath: '/authorize',
  tokenPath: '/oauth.access',
  scopes: slackScopes,
  // It does not tell; GoTrue trusts it.
  readProfile: slackProfile(() => true),
}

export const slackOidc: ProviderFacts = {
  hosts: { auth: 'slack.com/openid', token: 'slack.com/api', api: 'slack.com/api' },
  authorizePath: '/connect/authorize',
  tokenPath: '/openid.connect.token',
  scopes: slackScopes,
  readProfile: slackProfile((user) => member(user, 'email_verified') === true),
}

export const workos: ProviderFacts = {
  hosts: { auth: 'api.workos.com' },
  authorizePath: '/sso/authorize',
  tokenPath: '/sso/token',
  scopes: [],
  hasFixedScopes: true,
  // The profile comes with the tokens.
  readProfile: async ({ tokens, hosts }) => {
    const user = member(tokens.reply, 'profile')
    return {
      emails: oneEmail(textAt(user, 'email'), true),
      claims: commonClaims({
        issuer: hosts.api,
        id: textAt(user, 'id'),
        name: joined(textAt(user, 'first_name'), textAt(user, 'last_name')),
        more: {
          custom_claims: {
            connection_id: textAt(user, 'connection_id'),
            organization_id: textAt(user, 'organization_id'),
          },
        },
      }),
    }
  },
}

/** Any OpenID provider's own userinfo: known claims as they are, the rest apart. */
export function readUserinfo(user: Record<string, unknown>): Profile {
  const known = Object.entries(user).filter(([name]) => isKnownClaim(name))
  return {
    emails: oneEmail(user.email, user.email_verified === true),
    claims: Object.fromEntries(known),
  }
}
