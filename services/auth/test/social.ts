import { createHash, randomBytes } from 'node:crypto'
import { startOpenIdProvider, type OpenIdProvider } from '@favo/testkit'
import type { AuthSettings } from '@favo/projects'
import { startAuth, type StartOptions, type TestAuth } from './start-auth.ts'

export const site = 'http://localhost:3000'
export const google = 'https://accounts.google.com'

export interface Social {
  readonly auth: TestAuth
  readonly provider: OpenIdProvider
  /** Goes from `/authorize` over the provider to `/callback`, and tells where the browser ends. */
  readonly signIn: (params?: Readonly<Record<string, string>>) => Promise<URL>
  /** The first half: at the provider, about to come back. */
  readonly comeBack: (params?: Readonly<Record<string, string>>) => Promise<URL>
  /** A browser at an address of the project, however it is spelled. */
  readonly visit: (
    url: URL | string,
    init?: RequestInit,
  ) => Promise<{ status: number; location: URL | null; text: string }>
}

export const settingsOf = (more: Partial<AuthSettings> = {}): Partial<AuthSettings> => ({
  siteUrl: site,
  uriAllowList: ['https://app.example.com/**'],
  external: { google: { enabled: true, clientId: 'our-client', secret: 'our-secret' } },
  ...more,
})

/** A project whose Google is a provider of the test, or another's: `origins` all lead to it. */
export async function startSocial(
  settings: Partial<AuthSettings> = {},
  options: StartOptions & { readonly issuer?: string; readonly origins?: readonly string[] } = {},
): Promise<Social> {
  const { issuer = google, origins = [], ...rest } = options
  const provider = await startOpenIdProvider({ issuer, clients: { 'our-client': 'our-secret' } })
  const auth = await startAuth({
    ...rest,
    auth: settingsOf(settings),
    outbound: {
      origins: Object.fromEntries(
        [issuer, ...origins].map((origin) => [new URL(origin).origin, provider.url]),
      ),
    },
  })
  return socialOf(auth, provider)
}

export function socialOf(auth: TestAuth, provider: OpenIdProvider): Social {
  const visit: Social['visit'] = async (url, init = {}) => {
    const { pathname, search } = new URL(url, 'http://project')
    const path = pathname.replace(/^\/auth\/v1/, '') + search
    const reply = await fetch(auth.url + path, { redirect: 'manual', ...init })
    const location = reply.headers.get('location')
    return {
      status: reply.status,
      location: location === null ? null : new URL(location),
      text: await reply.text(),
    }
  }
  const comeBack: Social['comeBack'] = async (params = {}) => {
    const query = new URLSearchParams({ provider: 'google', ...params })
    const started = await visit(`/authorize?${query.toString()}`)
    if (started.location === null) throw new Error(`${started.status}: ${started.text}`)
    const { pathname, search } = started.location
    const reply = await fetch(provider.url + pathname + search, { redirect: 'manual' })
    return new URL(reply.headers.get('location') ?? '')
  }
  return {
    auth,
    provider,
    visit,
    comeBack,
    signIn: async (params) => {
      const { location, status, text } = await visit(await comeBack(params))
      if (location === null) throw new Error(`${status}: ${text}`)
      return location
    },
  }
}

export const fragmentOf = (url: URL): URLSearchParams => new URLSearchParams(url.hash.slice(1))

export function createPkce() {
  const verifier = randomBytes(32).toString('hex')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return { verifier, params: { code_challenge: challenge, code_challenge_method: 's256' } }
}
