import type { Service } from '@favo/http'
import type { FastifyContextConfig, FastifyPluginAsync } from 'fastify'
import { accessTokenRoutes } from './access-tokens/access-tokens.routes.ts'
import { admit, type Admitted, type Gatekeeper } from './admit.ts'
import { apiKeyRoutes } from './api-keys/api-keys.routes.ts'
import { answerAudited } from './audit/answer-audited.ts'
import { createContext } from './create-context.ts'
import { sendError } from './error-reply.ts'
import { controlErrors } from './errors.ts'
import { managementRoutes, managementRoutesV2 } from './management-routes.ts'
import { openApiRoutes } from './open-api/open-api.routes.ts'
import { migrationRoutes } from './owner-sql/migrations.routes.ts'
import { queryRoutes } from './owner-sql/query.routes.ts'
import { seedRoutes } from './owner-sql/seeds.routes.ts'
import { auditRoutes } from './audit/audit.routes.ts'
import { invitationRoutes } from './invitations/invitations.routes.ts'
import { memberRoutes } from './members/members.routes.ts'
import { organizationRoutes } from './organizations/organizations.routes.ts'
import { platformRoutes } from './platform-project/platform.routes.ts'
import { transferRoutes } from './projects/transfer.routes.ts'
import { userRoutes } from './users/users.routes.ts'
import type { Platform } from './platform.ts'
import { branchRoutes } from './branches/branches.routes.ts'
import { customHostnameRoutes } from './domains/custom-hostname.routes.ts'
import { domainRoutes } from './domains/domains.routes.ts'
import { vanitySubdomainRoutes } from './domains/vanity-subdomain.routes.ts'
import { clusterRoutes } from './clusters/clusters.routes.ts'
import { networkRoutes } from './network/network.routes.ts'
import { sslEnforcementRoutes } from './network/ssl-enforcement.routes.ts'
import { postgresSettingsRoutes } from './postgres-settings/postgres-settings.routes.ts'
import { lifecycleRoutes } from './projects/lifecycle.routes.ts'
import { healthRoutes } from './projects/health.routes.ts'
import { projectRoutes } from './projects/projects.routes.ts'
import type { Route } from './route.ts'
import { signingKeyRoutes } from './signing-keys/signing-keys.routes.ts'
import { StreamAnswer } from './stream-answer.ts'
import { settingsRoutes } from './settings/settings.routes.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of the control plane's own routes. */
    control?: Route
  }
}

/** All of `/v1`. Every route says who may use it. */
export const routes: readonly Route[] = [
  ...projectRoutes,
  ...healthRoutes,
  ...lifecycleRoutes,
  ...postgresSettingsRoutes,
  ...networkRoutes,
  ...sslEnforcementRoutes,
  ...branchRoutes,
  ...domainRoutes,
  ...customHostnameRoutes,
  ...vanitySubdomainRoutes,
  ...apiKeyRoutes,
  ...settingsRoutes,
  ...signingKeyRoutes,
  ...queryRoutes,
  ...migrationRoutes,
  ...seedRoutes,
  ...organizationRoutes,
  ...memberRoutes,
  ...invitationRoutes,
  ...transferRoutes,
  ...auditRoutes,
  ...userRoutes,
  ...platformRoutes,
  ...clusterRoutes,
  ...accessTokenRoutes,
  ...managementRoutes,
  ...openApiRoutes(() => routes),
]

/** The Management API over HTTP. Unlike the data plane's services it belongs to no project: `request.favo` is not there. */
export const createService = (
  platform: Platform,
  gatekeeper: Gatekeeper,
  close: () => Promise<void>,
): Service => ({ prefix: '/v1', close, routes: mountRoutes(platform, gatekeeper, routes) })

/** What the Management API has moved to its second version. */
export const createServiceV2 = (platform: Platform, gatekeeper: Gatekeeper): Service => ({
  prefix: '/v2',
  close: () => Promise.resolve(),
  routes: mountRoutes(platform, gatekeeper, managementRoutesV2),
})

/** All requests go by `admit`; the rest is the route. */
export function mountRoutes(
  platform: Platform,
  gatekeeper: Gatekeeper,
  mounted: readonly Route[],
): FastifyPluginAsync {
  return async (app) => {
    const admitted = new WeakMap<object, Admitted>()
    const parseJson = app.getDefaultJsonParser('error', 'ignore')
    app.removeAllContentTypeParsers()
    // Clients send bodies without naming their type, and announce JSON on requests that have no body.
    app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
      if (typeof body === 'string' && body.trim() === '') done(null, undefined)
      else void parseJson(request, body as string, done)
    })
    app.setErrorHandler((error, request, reply) => sendError(platform.log, request, reply, error))
    app.setNotFoundHandler((request, reply) =>
      sendError(
        platform.log,
        request,
        reply,
        controlErrors.routeNotFound(request.method, pathOf(request.url)),
      ),
    )
    // Before the body is read: a stranger's megabytes are not worth parsing.
    app.addHook('onRequest', async (request, reply) => {
      void reply.header('x-request-id', request.id).header('cache-control', 'no-store')
      if (request.is404) return
      const found = routeOf(request.routeOptions.config)
      admitted.set(request, await admit(platform, gatekeeper, found, request, reply))
    })
    for (const found of mounted)
      app.route({
        method: found.method,
        url: found.path,
        config: { operation: `control.${found.operation}`, control: found },
        ...(found.bodyLimitBytes === undefined ? {} : { bodyLimit: found.bodyLimitBytes }),
        handler: async (request, reply) => {
          const entry = admitted.get(request)
          if (entry === undefined) throw controlErrors.unauthorized('Send a personal access token.')
          const ctx = createContext(platform, request, reply, found, entry)
          const answer = await answerAudited(platform, found, ctx, {
            params: request.params as Record<string, string>,
            query: request.query,
            body: request.body,
          })
          // The gateway's caches are behind by then; what was acknowledged is in force with the next request.
          if (found.method !== 'GET') await platform.catchUp()
          if (answer instanceof StreamAnswer)
            return reply
              .status(found.status ?? 200)
              .type(answer.contentType)
              .send(answer.stream)
          if (found.contentType !== undefined) void reply.type(found.contentType)
          return reply.status(found.status ?? 200).send(answer)
        },
      })
  }
}

function routeOf({ control }: FastifyContextConfig): Route {
  if (control === undefined) throw new Error('a route of /v1 was registered without its description')
  return control
}

const pathOf = (url: string) => (url.split('?')[0] ?? url).slice(0, 200)
