import { acceptBodiesAsBuffers, type Service } from '@favo/http'
import type { Db, ProjectDb } from '@favo/postgres'
import type { Project } from '@favo/projects'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  changeUserRoute,
  createUserRoute,
  deleteUserRoute,
  getAdminUserRoute,
  listUsersRoute,
} from './admin-users/admin-users.route.ts'
import { listAuditRoute } from './audit/audit-log.route.ts'
import { createCleaner, type Cleaner } from './clean-up/cleaner.ts'
import type { AuthContext } from './context.ts'
import { generateLinkRoute } from './generate-link/generate-link.route.ts'
import { inboxRoutes } from './inbox/inbox.route.ts'
import { inviteRoute } from './invite/invite.route.ts'
import { magicLinkRoute, otpRoute } from './magic-link/magic-link.route.ts'
import { reauthenticateRoute } from './reauthenticate/reauthenticate.route.ts'
import { findClientIp } from './rate-limits/client-ip.ts'
import { createRateLimiter, type LimitedRequest, type RateLimits } from './rate-limits/rate-limits.ts'
import { recoverRoute } from './recover/recover.route.ts'
import { resendRoute } from './resend/resend.route.ts'
import {
  challengeFactorRoute,
  enrollFactorRoute,
  unenrollFactorRoute,
  verifyFactorRoute,
} from './factors/factors.route.ts'
import { changeFactorRoute, deleteFactorRoute, listFactorsRoute } from './factors/admin-factors.route.ts'
import { adminPasskeyRoutes } from './passkeys/admin-passkeys.route.ts'
import { passkeyRoutes } from './passkeys/passkeys.route.ts'
import { followLinkRoute, verifyRoute } from './verify/verify.route.ts'
import { customProviderRoutes } from './custom-providers/custom-providers.route.ts'
import { healthRoute } from './health.route.ts'
import { jwksRoute } from './jwks.route.ts'
import { logoutRoute } from './logout/logout.route.ts'
import { createAskMemory, type AskMemory } from './mails/ask-memory.ts'
import { createGuessMemory, type GuessMemory } from './one-time-tokens/guess-memory.ts'
import { createOidcDirectory, type OidcDirectory } from './oidc/discovery.ts'
import { sendNotice, type Notice } from './mails/send-notice.ts'
import { createMailWorker, type MailWorker, type MailWorkerDeps } from './outbox/mail-worker.ts'
import { createOutbound, type Outbound, type OutboundOptions } from './outbound/outbound.ts'
import { createLeakedPasswords, type LeakedPasswords } from './passwords/leaked-passwords.ts'
import { createPasswordWorkers, type PasswordsOptions, type PasswordWorkers } from './passwords/passwords.ts'
import { BODY_BYTES_MAX, renderError } from './render-error.ts'
import { effectiveSettings } from './settings.ts'
import { settingsRoute } from './settings.route.ts'
import { signInElsewhereRoutes } from './sign-in-elsewhere/routes.ts'
import { signUpRoute } from './sign-up/sign-up.route.ts'
import { clientRoutes } from './oauth-server/clients.route.ts'
import { oauthServerRoutes } from './oauth-server/oauth-server.route.ts'
import { ssoRoutes } from './sso/routes.ts'
import { tokenRoute } from './token/token.route.ts'
import { getUserRoute, updateUserRoute } from './user/user.route.ts'

export interface AuthDeps {
  /**
   * The one address of a project by which its tokens are known, no slash at the end. It must not depend on how a request
   * reached the project: verifiers compare `iss` as text.
   */
  readonly projectUrl: (project: Project) => string
  readonly passwords?: PasswordsOptions
  /** How often a project in use is cleaned up, a step each time. */
  readonly cleanUpIntervalMs?: number
  /** How the service calls others. */
  readonly outbound?: OutboundOptions
  /** Where passwords are looked up that are known from leaks, instead of Have I Been Pwned. */
  readonly leakedPasswords?: LeakedPasswords | string
  /** What mails need that leave after the request which caused them. */
  readonly mails: MailWorkerDeps
}

export interface AuthService extends Service {
  /** For metrics and tests. */
  readonly passwordWorkers: PasswordWorkers
  /** Delivers the mails that an earlier process left behind; those of requests leave without it. */
  startMails(): void
  /** A mail of the platform's own through a project's outbox. Throws when the project cannot be opened now. */
  sendNotice(ref: string, notice: Notice): Promise<void>
}

/** Everything there is under `/auth/v1`. */
const routes = [
  healthRoute,
  jwksRoute,
  settingsRoute,
  signUpRoute,
  tokenRoute,
  otpRoute,
  magicLinkRoute,
  recoverRoute,
  resendRoute,
  verifyRoute,
  followLinkRoute,

  getUserRoute,
  updateUserRoute,
  logoutRoute,
  reauthenticateRoute,
  enrollFactorRoute,
  challengeFactorRoute,
  verifyFactorRoute,
  unenrollFactorRoute,
  ...passkeyRoutes,

  inviteRoute,
  generateLinkRoute,
  ...signInElsewhereRoutes,
  ...customProviderRoutes,
  ...ssoRoutes,
  ...clientRoutes,
  ...oauthServerRoutes,
  ...inboxRoutes,
  listAuditRoute,
  listUsersRoute,
  createUserRoute,
  getAdminUserRoute,
  changeUserRoute,
  deleteUserRoute,
  listFactorsRoute,
  changeFactorRoute,
  deleteFactorRoute,
  ...adminPasskeyRoutes,
]

/** GoTrue's dialect for every project. */
export function createAuth(deps: AuthDeps): AuthService {
  const passwordWorkers = createPasswordWorkers(deps.passwords)
  const elsewhere = createElsewhere(deps)
  const mailWorker = createMailWorker(deps.mails, elsewhere.outbound, deps.projectUrl)
  const cleaner = createCleaner({ intervalMs: deps.cleanUpIntervalMs })
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
      /^\/oauth\/(authorize|token|userinfo|clients\/register)$/,
    ],
    routes: async (app) =>
      mountRoutes(app, deps, {
        passwordWorkers,
        asks: createAskMemory(),
        guesses: createGuessMemory(),
        limitsOf: createRateLimiter(),
        cleaner,
        mailWorker,
        ...elsewhere,
      }),
    passwordWorkers,
    startMails: () => mailWorker.start(),
    sendNotice: async (ref, notice) => {
      const opened = await deps.mails.openProject(ref)
      if (opened === null) throw new Error(`the project ${ref} cannot be opened now`)
      await sendNotice(mailWorker, opened.project, serviceDb(opened.db), notice)
    },
    close: async () => {
      passwordWorkers.close()
      await mailWorker.close()
      await cleaner.close()
    },
  }
}

/** What outlives a request. */
interface Shared {
  readonly passwordWorkers: PasswordWorkers
  readonly asks: AskMemory
  readonly guesses: GuessMemory
  readonly cleaner: Cleaner
  readonly limitsOf: (request: LimitedRequest) => RateLimits
  readonly mailWorker: MailWorker
  readonly outbound: Outbound
  readonly oidc: OidcDirectory
  readonly leakedPasswords: LeakedPasswords
}

function createElsewhere(deps: AuthDeps): Pick<Shared, 'outbound' | 'oidc' | 'leakedPasswords'> {
  const outbound = createOutbound(deps.outbound)
  const { leakedPasswords: given } = deps
  const leakedPasswords = typeof given === 'object' ? given : createLeakedPasswords(outbound, given)
  return { outbound, oidc: createOidcDirectory(outbound), leakedPasswords }
}

function mountRoutes(app: FastifyInstance, deps: AuthDeps, shared: Shared): void {
  acceptBodiesAsBuffers(app)
  app.setErrorHandler(renderError)
  app.addHook('onRoute', (options) => {
    options.bodyLimit = BODY_BYTES_MAX
  })
  // The answer is out; health and the like touch no database.
  app.addHook('onResponse', async ({ favo }, reply) => {
    if (reply.statusCode >= 500) return
    const { project } = favo
    const settings = effectiveSettings(project)
    shared.cleaner.afterRequest({
      ref: project.ref,
      settings,
      db: () => serviceDb(favo.db),
      log: () => favo.log,
    })
  })
  const createContext = (request: FastifyRequest) => createAuthContext(deps, shared, request)
  for (const route of routes) route.mount(app, createContext)
  // As Go's router words it.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain; charset=utf-8').send('404 page not found\n'),
  )
}

const serviceDb = (db: ProjectDb): Db =>
  db.asService('supabase_auth_admin', 'the auth schema is the service’s own; callers have no rights on it')

/** What costs something to make (the log's child, the client's signal) is made when a route asks for it; most do not. */
function createAuthContext(deps: AuthDeps, shared: Shared, request: FastifyRequest): AuthContext {
  const { favo } = request
  const {
    'user-agent': userAgent,
    'x-jwt-aud': audience,
    'accept-language': acceptLanguage,
  } = request.headers
  const { project } = favo
  const settings = effectiveSettings(project)
  return {
    project,
    settings,
    newUserIds: [],
    asks: shared.asks,
    guesses: shared.guesses,
    outbox: shared.mailWorker.forRequest(project),
    outbound: shared.outbound,
    oidc: shared.oidc,
    leakedPasswords: shared.leakedPasswords,
    db: serviceDb(favo.db),
    issuer: `${deps.projectUrl(project)}/auth/v1`,
    userAgent: userAgent ?? null,
    acceptLanguage: acceptLanguage ?? null,
    audienceHeader: typeof audience === 'string' && audience !== '' ? audience : null,
    get passwords() {
      return shared.passwordWorkers.forProject(project.ref, favo.signal)
    },
    get log() {
      return favo.log
    },
    get clientIp() {
      return findClientIp(request, settings)
    },
    get limits() {
      return shared.limitsOf({ ref: project.ref, settings, clientIp: findClientIp(request, settings) })
    },
  }
}
