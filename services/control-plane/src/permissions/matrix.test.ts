import { randomUUID } from 'node:crypto'
import { organizationRoles, type OrganizationRole } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { createAccessToken, createRef } from '@favo/tokens'
import fastify, { type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPerson, createTeam, createToken, signSession, type Person } from '../../test/people.ts'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import { SessionVerifier } from '../access-tokens/sessions.ts'
import { managementRoutesV2 } from '../management-routes.ts'
import type { Platform } from '../platform.ts'
import { FailureLimit } from '../rate-limits/failure-limit.ts'
import { RequestLimit } from '../rate-limits/request-limit.ts'
import { mountRoutes, routes } from '../service.ts'
import type { Route } from '../route.ts'
import { hasRole } from './access.ts'
import { grants } from './grants.ts'

/**
 * Every route there is, for everybody there is. The handlers are exchanged for one that says it was reached: who gets that
 * far is what is asked here, by the real admission. What handlers ask in addition has tests of its own.
 */
let platform: TestPlatformDatabase
let control: TestControlPlane
let app: FastifyInstance
let team: { slug: string; people: Readonly<Record<OrganizationRole, Person>> }
let ref: string
let strangersToken: string
let badTokens: readonly string[]
const branch = randomUUID()
const tokens = new Map<string, string>()

const all: readonly Route[] = [...routes, ...managementRoutesV2]

beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  team = await createTeam(platform, control)
  const made = await control.request<{ ref: string }>('POST', '/projects', {
    name: 'x',
    organization_slug: team.slug,
  })
  ref = made.body.ref
  await platform.db.run(sql`
    insert into control.branches (id, ref, parent_ref, name, is_default)
    values (${branch}::uuid, ${ref}, ${ref}, 'main', true)`)

  for (const role of organizationRoles) tokens.set(role, await createToken(platform, team.people[role].id))
  strangersToken = await createToken(platform, (await createPerson(platform, control)).id)

  const { id, sessionId } = team.people.owner
  badTokens = [
    createAccessToken(),
    await createToken(platform, id, { isExpired: true }),
    await signSession(control, { sub: id, session_id: sessionId, exp: 1 }),
  ]

  const project = await control.controlPlane.directorySource.loadBySubdomain('platform')
  let now = Date.now()
  const facade = {
    db: platform.db,
    secretBox: null,
    catchUp: () => Promise.resolve(),
    log: { child: () => ({}), warn: () => undefined, error: () => undefined },
    clock: () => new Date(Date.now()),
  }
  app = fastify()
  await app.register(
    mountRoutes(
      facade as unknown as Platform,
      {
        authenticator: {
          db: platform.db,
          bootstrapTokenHash: '0'.repeat(64),
          sessions: new SessionVerifier(async () => project),
          limit: new FailureLimit(),
          // Nobody is held up by limits here.
          clock: () => new Date((now += 61_000)),
        },
        limit: new RequestLimit(1_000_000),
      },
      all.map((route) => ({ ...route, answer: async () => JSON.stringify({ reached: route.operation }) })),
    ),
  )
})
afterAll(async () => {
  await app.close()
  await platform.close()
})

interface Place {
  readonly ref: string
  readonly slug: string
  readonly branch: string
}

async function ask(route: Route, token: string | null, place: Place = { ref, slug: team.slug, branch }) {
  const url = route.path
    .replace(':ref', place.ref)
    .replace(':slug', place.slug)
    .replace(':branch', place.branch)
    .replace(/:\w+/g, '00000000-0000-4000-8000-000000000000')
  const reply = await app.inject({
    method: route.method,
    url,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    ...(route.method === 'GET' ? {} : { payload: '{}' }),
  })
  const isReached = reply.statusCode === (route.status ?? 200) && reply.body.includes('"reached"')
  return {
    status: reply.statusCode,
    isReached,
    body: reply.body.replace(/"request_id":"[^"]*"/, ''),
    headers: Object.keys(reply.headers).sort(),
  }
}

/** A token of the organization's owner. */
async function limitedTo(scopes: readonly string[]): Promise<string> {
  const key = scopes.join()
  const token = tokens.get(key) ?? (await createToken(platform, team.people.owner.id, { scopes }))
  tokens.set(key, token)
  return token
}

const isOpen = ({ permission }: Route) => permission.scope === 'public'

describe.each(all.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (_name, route) => {
  test('lets members in by their role, and tells them when it is too low', async () => {
    const { permission } = route
    for (const role of organizationRoles) {
      const got = await ask(route, tokens.get(role) ?? '')
      if (permission.scope === 'public' || permission.scope === 'account')
        expect(got.isReached, role).toBe(true)
      else if (permission.scope === 'platform') expect(got.status, role).toBe(403)
      else if (hasRole(role, permission.role)) expect(got.isReached, `${role} ${got.body}`).toBe(true)
      else expect(got, role).toMatchObject({ status: 403, isReached: false })
    }
  })

  test('tells strangers what it tells of what does not exist', async () => {
    const hidden = await ask(route, strangersToken)
    const missing = await ask(route, strangersToken, {
      ref: createRef(),
      slug: createRef(),
      branch: randomUUID(),
    })
    expect(hidden).toEqual(missing)
    if (route.permission.scope === 'project' || route.permission.scope === 'organization')
      expect(hidden.status).toBe(404)
  })

  test('asks for a token that is good', async () => {
    for (const token of [null, ...badTokens]) {
      const got = await ask(route, token)
      expect(got.status).toBe(isOpen(route) ? (route.status ?? 200) : 401)
    }
  })

  test('asks for a token that was made for it', async () => {
    const { permission } = route
    if (permission.scope === 'public') return
    const { id } = team.people.owner
    if (permission.scope === 'platform')
      await platform.db.run(
        sql`insert into control.platform_administrators (user_id) values (${id}::uuid) on conflict do nothing`,
      )
    const foreign = grants.filter((grant) => grant.split(':')[0] !== permission.grant.split(':')[0])
    expect((await ask(route, await limitedTo(foreign))).status).toBe(403)
    const exact = await limitedTo([permission.grant])
    expect((await ask(route, exact)).isReached).toBe(true)
    if (permission.grant.endsWith(':write')) {
      const reading = permission.grant.replace(':write', ':read')
      expect((await ask(route, await limitedTo([reading]))).status).toBe(403)
    }
    await platform.db.run(sql`delete from control.platform_administrators`)
  })
})

test('routes that change something need more than the right to read', () => {
  // They read by POST, or ask for more when the body wants more than reading.
  const readers = [
    'database.query',
    'database.query_read_only',
    'cli_logins.create',
    'network.list_bans',
    'vanity_subdomain.check_availability',
  ]
  for (const { method, permission, operation } of all)
    if (method !== 'GET' && permission.scope !== 'public' && !readers.includes(operation))
      expect.soft(permission.grant, operation).toMatch(/:write$/)
})

test('operations are named once', () => {
  const names = all.map(({ operation }) => operation)
  expect(new Set(names).size).toBe(names.length)
})
