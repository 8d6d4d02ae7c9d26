import type { Project, ProjectDirectory, ProjectStatus } from '@favo/projects'
import { createApiKey, createRef, createSecret, createSlug, sha256Hex, signJwt } from '@favo/tokens'

export interface FakeProject {
  readonly project: Project
  readonly anon: string
  readonly service: string
  readonly publishable: string
  readonly secret: string
  sign(claims: Record<string, unknown>): string
}

export function makeProject(subdomain: string, status: ProjectStatus = 'ACTIVE_HEALTHY'): FakeProject {
  const ref = createRef()
  const jwtSecret = createSecret(32)
  const publishable = createApiKey('publishable')
  const secret = createApiKey('secret')
  const sign = (claims: Record<string, unknown>) => signJwt(claims, jwtSecret)
  const exp = Math.floor(Date.now() / 1000) + 3_600
  return {
    anon: sign({ iss: 'supabase', ref, role: 'anon', exp }),
    service: sign({ iss: 'supabase', ref, role: 'service_role', exp }),
    publishable,
    secret,
    sign,
    project: {
      ref,
      name: subdomain,
      subdomain,
      status,
      database: `p_${createSlug()}`,
      jwtSecret,
      apiKeys: [
        { id: '1', type: 'publishable', hash: sha256Hex(publishable) },
        { id: '2', type: 'secret', hash: sha256Hex(secret) },
      ],
      rest: { schemas: ['public'], extraSearchPath: ['public'], maxRows: 1_000 },
      auth: {
        disableSignup: false,
        mailerAutoconfirm: true,
        passwordMinLength: 6,
        jwtExpSeconds: 3_600,
        refreshTokenReuseIntervalSeconds: 10,
        siteUrl: 'http://localhost:3000',
      },
      version: 1,
    },
  }
}

/** Answers at once, or by promise as a directory does that has to ask the database first. */
export function fakeDirectory(projects: readonly FakeProject[], how: 'at once' | 'later'): ProjectDirectory {
  const find = (matches: (project: Project) => boolean) => {
    const found = projects.find(({ project }) => matches(project))?.project ?? null
    return how === 'at once' ? found : Promise.resolve(found)
  }
  return {
    findByRef: (ref) => find((project) => project.ref === ref),
    findByLabel: (label) => find(({ ref, subdomain }) => ref === label || subdomain === label),
    findByDomain: (hostname) => find(({ domains }) => domains?.includes(hostname) === true),
    findByKeyHash: (hash) => find(({ apiKeys }) => apiKeys.some((key) => key.hash === hash)),
  }
}
