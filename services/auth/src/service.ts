import { isIP } from 'node:net'
import { acceptBodiesAsBuffers, type Service } from '@favo/http'
import type { Project } from '@favo/projects'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  changeUserRoute,
  createUserRoute,
  deleteUserRoute,
  getAdminUserRoute,
  listUsersRoute,
} from './admin-users/admin-users.route.ts'
import type { AuthContext } from './context.ts'
import { healthRoute } from './health.route.ts'
import { logoutRoute } from './logout/logout.route.ts'
import { createPasswordWorkers, type PasswordsOptions, type PasswordWorkers } from './passwords/passwords.ts'
import { BODY_BYTES_MAX, renderError } from './render-error.ts'
import { settingsRoute } from './settings.route.ts'
import { signUpRoute } from './sign-up/sign-up.route.ts'
import { tokenRoute } from './token/token.route.ts'
import { getUserRoute, updateUserRoute } from './user/user.route.ts'

export interface AuthDeps {
  /**
   * The one address of a project by which its tokens are known, no slash at the end. It must not depend on how a request
   * reached the project: verifiers compare `iss` as text.
   */
  readonly projectUrl: (project: Project) => string
  readonly passwords?: PasswordsOptions
}

export interface AuthService extends Service {
  /** For metrics and tests. */
  readonly passwordWorkers: PasswordWorkers
}

/** Everything there is under `/auth/v1`. */
const routes = [
  healthRoute,
  settingsRoute,
  signUpRoute,
  tokenRoute,

  getUserRoute,
  updateUserRoute,
  logoutRoute,

  listUsersRoute,
  createUserRoute,
  getAdminUserRoute,
  changeUserRoute,
  deleteUserRoute,
]

/** GoTrue's dialect for every project. */
export function createAuth(deps: AuthDeps): AuthService {
  const passwordWorkers = createPasswordWorkers(deps.passwords)
  return {
    prefix: '/auth/v1',
    // The ones that Supabase's gateway leaves open too: browsers come to them from mails and other providers, without a key.
    openPaths: [
      /^\/health$/,
      /^\/verify$/,
      /^\/callback$/,
      /^\/authorize$/,
      /^\/\.well-known\//,
      /^\/sso\/saml\/(acs|metadata)$/,
    ],
    routes: async (app) => mountRoutes(app, deps, passwordWorkers),
    passwordWorkers,
    close: async () => passwordWorkers.close(),
  }
}

function mountRoutes(app: FastifyInstance, deps: AuthDeps, workers: PasswordWorkers): void {
  acceptBodiesAsBuffers(app)
  app.setErrorHandler(renderError)
  app.addHook('onRoute', (options) => {
    options.bodyLimit = BODY_BYTES_MAX
  })
  const createContext = (request: FastifyRequest) => createAuthContext(deps, workers, request)
  for (const route of routes) route.mount(app, createContext)
  // As Go's router words it.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
  )
}

/** What costs something to make (the log's child, the client's signal) is made when a route asks for it; most do not. */
function createAuthContext(deps: AuthDeps, workers: PasswordWorkers, request: FastifyRequest): AuthContext {
  const { favo } = request
  const { 'user-agent': userAgent, 'x-jwt-aud': audience } = request.headers
  const { project } = favo
  return {
    project,
    settings: project.auth,
    db: favo.db.asService(
      'supabase_auth_admin',
      'the auth schema is the service’s own; callers have no rights on it',
    ),
    issuer: `${deps.projectUrl(project)}/auth/v1`,
    userAgent: userAgent ?? null,
    audienceHeader: typeof audience === 'string' && audience !== '' ? audience : null,
    get passwords() {
      return workers.forProject(project.ref, favo.signal)
    },
    get log() {
      return favo.log
    },
    get clientIp() {
      return isIP(favo.clientIp) === 0 ? null : favo.clientIp
    },
  }
}
