import { timingSafeEqual } from 'node:crypto'
import type { Authorization, Claims } from '@favo/http'
import type { Project } from '@favo/projects'
import { sha256Hex, verifyJwt } from '@favo/tokens'

export interface ApiKey {
  readonly role: 'anon' | 'service_role'
  readonly claims: Claims
}

const isOpaque = (key: string) => key.startsWith('sb_')

/**
 * Null when the key is not one of this project.
 *
 * A legacy key is a JWT of the project's secret with the role `anon` or `service_role`. Its `ref` must be the project's,
 * so that projects which were given the same secret stay apart; keys without one are accepted, since the generators for
 * self-hosted Supabase leave it out and whoever can sign may write any ref. A user's token is no key.
 */
export function checkApiKey(project: Project, key: string): ApiKey | null {
  if (isOpaque(key)) return checkOpaqueKey(project, key)
  const verification = verifyJwt(key, {
    jwtSecret: project.jwtSecret,
    isJwtSecretRevoked: project.isJwtSecretRevoked,
  })
  if (!verification.ok) return null
  const { claims } = verification
  if (claims.role !== 'anon' && claims.role !== 'service_role') return null
  if (claims.ref !== undefined && claims.ref !== project.ref) return null
  if (typeof claims.exp === 'number' && claims.exp * 1000 <= Date.now()) return null
  return { role: claims.role, claims }
}

/** All hashes are compared, and each in constant time: how long it takes says nothing about how near a guess was. */
function checkOpaqueKey(project: Project, key: string): ApiKey | null {
  const given = Buffer.from(sha256Hex(key))
  let found: ApiKey | null = null
  for (const { hash, type } of project.apiKeys) {
    const known = Buffer.from(hash)
    if (known.length === given.length && timingSafeEqual(known, given)) found = opaqueKeys(project)[type]
  }
  return found
}

// The same objects each time, so that what services derive from claims can be cached by identity.
const byProject = new WeakMap<Project, Record<'publishable' | 'secret', ApiKey>>()

/** Opaque keys stand for the claims of the legacy keys they replace. */
function opaqueKeys(project: Project) {
  const known = byProject.get(project)
  if (known !== undefined) return known
  const keyOf = (role: ApiKey['role']): ApiKey => ({
    role,
    claims: Object.freeze({ iss: 'supabase', ref: project.ref, role }),
  })
  const made = { publishable: keyOf('anon'), secret: keyOf('service_role') }
  byProject.set(project, made)
  return made
}

const BEARER = /^bearer(?: +|$)/i
const ANONYMOUS: Authorization = { kind: 'key', claims: Object.freeze({ role: 'anon' }) }

/**
 * supabase-js repeats the key as bearer token while nobody is signed in, the opaque keys too, which are no JWT. Schemes
 * other than Bearer are not ours (a proxy's Basic password) and count as none. An empty bearer is a token, and a bad one.
 */
export function findAuthorization(
  header: string | undefined,
  key: string | null,
  apiKey: ApiKey | null,
): Authorization {
  const scheme = header === undefined ? null : BEARER.exec(header)
  if (header !== undefined && scheme !== null) {
    const token = header.slice(scheme[0].length).trim()
    if (token !== key) return { kind: 'token', token }
  }
  return apiKey === null ? ANONYMOUS : { kind: 'key', claims: apiKey.claims }
}
