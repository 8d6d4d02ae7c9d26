import { createClientSignal, type Service } from '@favo/http'
import { accessTokenRoutes } from './access-tokens/access-tokens.routes.ts'
import { authenticate, type Actor, type Authenticator } from './access-tokens/authenticate.ts'
import { apiKeyRoutes } from './api-keys/api-keys.routes.ts'
import type { ControlContext } from './context.ts'
import { sendError } from './error-reply.ts'
import { controlErrors } from './errors.ts'
import { migrationRoutes } from './owner-sql/migrations.routes.ts'
import { queryRoutes } from './owner-sql/query.routes.ts'
import { seedRoutes } from './owner-sql/seeds.routes.ts'
import { organizationRoutes } from './organizations/organizations.routes.ts'
import type { Platform } from './platform.ts'
import { healthRoutes } from './projects/health.routes.ts'
import { projectRoutes } from './projects/projects.routes.ts'
import type { Route } from './route.ts'
import { signingKeyRoutes } from './signing-keys/signing-keys.routes.ts'
import { settingsRoutes } from './settings/settings.routes.ts'

/** All of `/v1`. Every route asks for an access token. */
const routes: readonly Route[] = [
  ...projectRoutes,
  ...healthRoutes,
  ...apiKeyRoutes,
  ...settingsRoutes,
  ...signingKeyRoutes,
  ...queryRoutes,
  ...migrationRoutes,
  ...seedRoutes,
  ...organizationRoutes,
  ...accessTokenRoutes,
]

/** The Management API over HTTP. Unlike the data plane's services it belongs to no project: `request.favo` is not there. */
export function createService(
  platform: Platform,
  authenticator: Authenticator,
  close: () => Promise<void>,
): Service {
  return {
    prefix: '/v1',
    close,
    routes: async (app) => {
      const actors = new WeakMap<object, Actor>()
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
        actors.set(request, await authenticate(authenticator, request.headers.authorization, request.ip))
      })
      for (const found of routes)
        app.route({
          method: found.method,
          url: found.path,
          config: { operation: `control.${found.operation}` },
          ...(found.bodyLimitBytes === undefined ? {} : { bodyLimit: found.bodyLimitBytes }),
          handler: async (request, reply) => {
            const actor = actors.get(request)
            if (actor === undefined) throw controlErrors.unauthorized('Send a personal access token.')
            const ctx: ControlContext = {
              ...platform,
              requestId: request.id,
              actor,
              log: platform.log.child({ requestId: request.id }),
              signal: createClientSignal(reply.raw),
            }
            const answer = await found.answer(ctx, {
              params: request.params as Record<string, string>,
              query: request.query,
              body: request.body,
            })
            return reply.status(found.status ?? 200).send(answer)
          },
        })
    },
  }
}

const pathOf = (url: string) => (url.split('?')[0] ?? url).slice(0, 200)
