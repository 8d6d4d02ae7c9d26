import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Outbound } from '../outbound/outbound.ts'
import { askElsewhere, readJson } from '../providers/ask-elsewhere.ts'

/** What a provider tells of itself at `/.well-known/openid-configuration`. */
export interface Discovery {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly userinfo_endpoint: string
  readonly jwks_uri: string
  readonly id_token_signing_alg_values_supported: readonly string[]
}

/** Finds and remembers what OpenID providers publish. One for all projects: it is public, and the same for everybody. */
export interface OidcDirectory {
  /** `url` when it is not at the issuer's own address. Throws when the document is not the issuer's. */
  discover(issuer: string, url?: string): Promise<Discovery>
  /** Looks for a key anew when none matches, for providers change theirs; but not more often than twice a minute. */
  keysOf(discovery: Discovery): JWTVerifyGetKey
}

const DOCUMENT_TTL_MS = 3_600_000
const KEYS_TTL_MS = 600_000
const KEYS_COOLDOWN_MS = 30_000

interface FetchedKeys {
  readonly at: number
  readonly find: JWTVerifyGetKey
}

export function createOidcDirectory(outbound: Outbound): OidcDirectory {
  const documents = new LRUCache<string, Promise<Discovery>>({ max: 1_000, ttl: DOCUMENT_TTL_MS })
  const keys = new LRUCache<string, Promise<FetchedKeys>>({ max: 1_000, ttl: KEYS_TTL_MS })

  const fetchKeys = async (url: string): Promise<FetchedKeys> => {
    const set = readJson(await askElsewhere(outbound, { url })) as JSONWebKeySet
    return { at: Date.now(), find: createLocalJWKSet(set) }
  }
  const knownKeys = (url: string) => keys.get(url) ?? remember(keys, url, fetchKeys(url))

  return {
    discover: (issuer, url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`) => {
      const key = `${issuer} ${url}`
      return documents.get(key) ?? remember(documents, key, fetchDiscovery(outbound, issuer, url))
    },
    keysOf:
      ({ jwks_uri: url }) =>
      async (header, token) => {
        const fetched = await knownKeys(url)
        try {
          return await fetched.find(header, token)
        } catch (error) {
          const isOld = Date.now() - fetched.at > KEYS_COOLDOWN_MS
          if (!(error instanceof errors.JWKSNoMatchingKey) || !isOld) throw error
          const fresh = await remember(keys, url, fetchKeys(url))
          return fresh.find(header, token)
        }
      },
  }
}

/** Callers that come together share one request; one that failed is not remembered. */
function remember<T extends object>(
  cache: LRUCache<string, Promise<T>>,
  key: string,
  answer: Promise<T>,
): Promise<T> {
  cache.set(key, answer)
  answer.catch(() => {
    if (cache.peek(key) === answer) cache.delete(key)
  })
  return answer
}

export async function fetchDiscovery(outbound: Outbound, issuer: string, url: string): Promise<Discovery> {
  const document = readJson(await askElsewhere(outbound, { url })) as Partial<Discovery>
  // Apple has two names for one issuer; whether a token's is one of them is checked there.
  const isApple = issuer === 'https://appleid.apple.com' || issuer === 'https://account.apple.com'
  if (document.issuer !== issuer && !isApple)
    throw new Error(`the discovery document is of another issuer: ${document.issuer}`)
  if (typeof document.jwks_uri !== 'string') throw new Error('the discovery document names no keys')
  return {
    issuer,
    authorization_endpoint: document.authorization_endpoint ?? '',
    token_endpoint: document.token_endpoint ?? '',
    userinfo_endpoint: document.userinfo_endpoint ?? '',
    jwks_uri: document.jwks_uri,
    id_token_signing_alg_values_supported: document.id_token_signing_alg_values_supported ?? [],
  }
}
