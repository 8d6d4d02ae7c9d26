import {
  defaultExternalProvider,
  type ExternalProviders,
  type ExternalProviderSettings,
} from '@favo/projects'
import type { ExternalProviderName } from '@favo/contracts'
import type { AuthContext } from '../context.ts'
import type { EffectiveSettings } from '../settings.ts'
import { bitbucket, figma, fly, github, gitlab, notion } from './developer-facts.ts'
import type { ProviderFacts, ProviderHosts } from './facts.ts'
import { findCustomProvider } from './custom-provider.ts'
import { createOAuth2Provider } from './oauth2-provider.ts'
import {
  apple,
  azure,
  google,
  keycloak,
  linkedinOidc,
  slack,
  slackOidc,
  vercelMarketplace,
  workos,
} from './openid-facts.ts'
import type { Provider } from './provider.ts'
import { signInErrors } from './sign-in-errors.ts'
import { discord, facebook, kakao, linkedin, snapchat, spotify, twitch, x, zoom } from './social-facts.ts'
import { createTwitterProvider } from './twitter-provider.ts'

/** Every provider that Supabase lists; Twitter speaks an older protocol and has a file of its own. */
export const providerFacts: Readonly<Record<Exclude<ExternalProviderName, 'twitter'>, ProviderFacts>> = {
  apple,
  azure,
  bitbucket,
  discord,
  facebook,
  figma,
  fly,
  github,
  gitlab,
  google,
  kakao,
  keycloak,
  linkedin,
  linkedin_oidc: linkedinOidc,
  notion,
  slack,
  slack_oidc: slackOidc,
  snapchat,
  spotify,
  twitch,
  vercel_marketplace: vercelMarketplace,
  workos,
  x,
  zoom,
}

const isProviderName = (name: string): name is ExternalProviderName =>
  name === 'twitter' || Object.hasOwn(providerFacts, name)

/** A provider's settings with nothing left out. */
export const providerSettings = (
  { external }: { readonly external: ExternalProviders },
  name: ExternalProviderName,
): ExternalProviderSettings => ({ ...defaultExternalProvider, ...external[name] })

/** Whose id tokens are good: those of every client that was named. */
export const clientIdsOf = ({ clientId, additionalClientIds }: ExternalProviderSettings): string[] =>
  `${clientId},${additionalClientIds}`
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '')

export const isProviderEnabled = (settings: EffectiveSettings, name: string): boolean =>
  isProviderName(name) && providerSettings(settings, name).enabled

/**
 * The provider as the project has set it up. `scopes` has commas between, as clients send them. Throws with the reason
 * when it is unknown, off, or not set up.
 */
export async function findProvider(
  ctx: AuthContext,
  givenName: string,
  scopes: string,
  refuse: (problem: string) => Error = signInErrors.unsupportedProvider,
): Promise<Provider> {
  const name = givenName.toLowerCase()
  if (name.startsWith('custom:')) return findCustomProvider(ctx, name, scopes, refuse)
  if (!isProviderName(name)) throw refuse(`Provider ${name} could not be found`)
  const settings = providerSettings(ctx.settings, name)
  const [clientId] = clientIdsOf(settings)
  if (!settings.enabled) throw refuse('provider is not enabled')
  if (clientId === undefined) throw refuse('missing OAuth client ID')
  if (settings.secret === '') throw refuse('missing OAuth secret')
  const { secret: clientSecret, url, emailOptional } = settings
  if (name === 'twitter') return createTwitterProvider(ctx, { clientId, clientSecret, url, emailOptional })

  const facts = providerFacts[name]
  if (facts.needsUrl === true && url === '')
    throw refuse(`unable to find URL for the ${titles[name]} provider`)
  const hosts = resolveHosts(facts, url)
  const endpoints = await findEndpoints(ctx, facts, hosts)
  return createOAuth2Provider(ctx, {
    ...endpoints,
    clientId,
    clientSecret,
    scopes:
      facts.hasFixedScopes === true || scopes === '' ? facts.scopes : [...facts.scopes, ...scopes.split(',')],
    usesPkce: facts.usesPkce === true,
    emailOptional,
    fixedParams: facts.authorizeParams ?? {},
    takesExtra: facts.authorizeParams === undefined,
    hosts,
    url,
    readProfile: facts.readProfile,
  })
}

const titles: Readonly<Partial<Record<ExternalProviderName, string>>> = { keycloak: 'Keycloak' }

function resolveHosts({ hosts, issuer }: ProviderFacts, url: string): ProviderHosts {
  const own = url.replace(/\/$/, '')
  const choose = (host: string) => (own === '' || issuer !== undefined ? `https://${host}` : own)
  return {
    auth: choose(hosts.auth),
    token: choose(hosts.token ?? hosts.auth),
    api: choose(hosts.api ?? hosts.auth),
  }
}

async function findEndpoints(ctx: AuthContext, facts: ProviderFacts, hosts: ProviderHosts) {
  if (facts.issuer === undefined)
    return { authorizeUrl: hosts.auth + facts.authorizePath, tokenUrl: hosts.token + facts.tokenPath }
  const found = await ctx.oidc.discover(facts.issuer).catch((error: unknown) => {
    throw signInErrors.providerUnreachable(error)
  })
  return { authorizeUrl: found.authorization_endpoint, tokenUrl: found.token_endpoint }
}
