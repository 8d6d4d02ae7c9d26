import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginAsync,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { headerIdentity, logRequest, type Service } from '@favo/http'
import type { Project } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import { findAddress, hasSeveralHosts, parseHost, possibleDomain, type Host } from './address.ts'
import type { GatewayConfig } from './config.ts'
import { answerPreflight, corsHeaders, isPreflight } from './cors.ts'
import { Drain } from './drain.ts'
import { enterProject, type Door, type ProjectEntry } from './enter-project.ts'
import { refusals, refuse } from './errors.ts'
import { answerHealth, projectChecks, serviceName, type HealthCheck } from './health.ts'
import { answerMalformedRequest } from './malformed-request.ts'
import { requestId, requestIdHeaders } from './request-id.ts'
import { address, hostOf, keyOf, project, refOf } from './request-state.ts'
import { rewriteUrl, takenFromUrl } from './rewrite-url.ts'
import { describePlatform } from './welcome.ts'

export interface GatewayOptions extends Pick<ProjectEntry, 'directory' | 'dbFor'> {
  readonly services: readonly Service[]
  /** Served on the platform's own hosts only. `request.id` is there, `request.favo` is not. */
  readonly controlPlane?: { readonly prefix: string; readonly routes: FastifyPluginAsync }
  /** The same for the few routes that the Management API has moved to `/v2`. */
  readonly controlPlaneV2?: { readonly prefix: string; readonly routes: FastifyPluginAsync }
  readonly config: GatewayConfig
  readonly log: Logger
  /** What the platform needs to run, by name (`postgres`). */
  readonly health: Readonly<Record<string, HealthCheck>>
}

export interface Gateway {
  readonly app: FastifyInstance
  /** Resolves with the port (which the system picks for 0). */
  listen(where: { readonly host: string; readonly port: number }): Promise<number>
  /** Takes no new requests, lets those underway finish (for `closeGraceMs`), then closes. Services are the caller's to close afterwards. */
  close(): Promise<void>
}

/**
 * The door of all projects. A request passes:
 *
 *   rewriteUrl     `/p/<ref>` and `?apikey=` leave the URL
 *   open           request id, log line, one valid host → address, CORS
 *   router         a service's prefix, the control plane, /health, /
 *   enterProject   address or key → project → its status → its API key → `request.favo`     (routes of projects)
 *   enterPlatform  refuses what is addressed to a project                                    (routes of the platform)
 *   handler        the service's, in its own dialect, errors included
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { config, services, controlPlane, controlPlaneV2, log } = options
  const publicUrl = new URL(config.publicUrl)
  const drain = new Drain()
  const entry: ProjectEntry = { ...options, publicUrl, domain: config.domain }

  const app = Fastify({
    logger: false,
    rewriteUrl,
    // Services say themselves what HEAD means.
    exposeHeadRoutes: false,
    genReqId: requestId,
    trustProxy: config.trustedProxies.length === 0 ? false : [...config.trustedProxies],
    bodyLimit: config.bodyLimitBytes,
    requestTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    // A name that is too long is for the services to refuse, in their dialect.
    routerOptions: { maxParamLength: config.headerLimitBytes },
    http: {
      maxHeaderSize: config.headerLimitBytes,
      headersTimeout: config.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, config.headersTimeoutMs),
      // Node's own refusal of a missing Host has no body; `open` answers instead.
      requireHostHeader: false,
    },
    clientErrorHandler: answerMalformedRequest(log),
    frameworkErrors: (_error, request, reply) => {
      open(request, reply, () => refuse(reply, refusals.badUrl))
    },
  })

  app.decorateRequest('favo')
  app.decorateRequest(address)
  app.decorateRequest(project)
  app.addHook('onRequest', open)
  app.addHook('onError', keepConnectionAfterTooLargeBody)
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((_request, reply) => refuse(reply, refusals.noRoute))

  for (const service of services) {
    app.register(async (scope) => {
      scope.addHook('onRequest', forProject(service))
      scope.register(service.routes, { prefix: service.prefix })
    })
  }

  app.register(async (scope) => {
    scope.addHook('onRequest', enterPlatform)
    scope.route({
      method: ['GET', 'HEAD'],
      url: '/',
      config: { operation: 'platform.welcome' },
      handler: async () => describePlatform(config, services, controlPlane),
    })
    for (const part of [controlPlane, controlPlaneV2])
      if (part !== undefined) scope.register(part.routes, { prefix: part.prefix })
  })

  app.route({
    method: ['GET', 'HEAD'],
    url: '/health',
    config: { operation: 'health.check' },
    handler: async (request, reply) => {
      const isPlatforms = request[address].kind === 'platform' && keyOf(request) === null
      if (isPlatforms) return answerHealth(options.health, request, reply, log)
      return answerProjectHealth(request, reply, services)
    },
  })
  app.route<{ Params: { service: string } }>({
    method: ['GET', 'HEAD'],
    url: '/health/:service',
    config: { operation: 'health.check' },
    handler: async (request, reply) => {
      const asked = services.filter((service) => serviceName(service) === request.params.service)
      return answerProjectHealth(request, reply, asked)
    },
  })

  function open(request: FastifyRequest, reply: FastifyReply, done: () => void) {
    request[project] = null
    const startedAt = performance.now()
    drain.enter(reply.raw, () => logRequest(log, request, reply, { startedAt, project: refOf(request) }))
    addHeaders(reply, requestIdHeaders(request.id))

    const { ref, isMalformed } = takenFromUrl(request.raw)
    if (isMalformed) return refuse(reply, refusals.badUrl)
    const host = onlyHost(request)
    if (host === null) return refuse(reply, refusals.badHost)
    request[address] = findAddress(host, ref, config.domain)
    const domain = possibleDomain(request[address], publicUrl.hostname)
    if (domain === null) return answerCors(request, reply, done)

    const enter = (owner: Project | null) => {
      // A path form on a project's own domain names two projects.
      if (owner !== null)
        request[address] =
          ref === null ? { kind: 'host', label: owner.ref, host, isOwnDomain: true } : { kind: 'nowhere' }
      return answerCors(request, reply, done)
    }
    const found = options.directory.findByDomain(domain)
    if (!(found instanceof Promise)) return enter(found)
    found.then(enter, (error: unknown) => {
      log.warn({ requestId: request.id, error }, 'the project directory does not answer')
      return refuse(reply, refusals.directoryDown)
    })
  }

  function answerCors(request: FastifyRequest, reply: FastifyReply, done: () => void) {
    if (request[address].kind !== 'platform' || isServicePath(request.url)) {
      if (isPreflight(request)) return answerPreflight(request, reply)
      addHeaders(reply, corsHeaders)
    }
    return done()
  }

  function forProject(door: Door) {
    return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
      const refusal = enterProject(entry, request, reply, door)
      if (refusal === null) done()
      else if (refusal instanceof Promise)
        refusal.then((late) => (late === null ? done() : refuse(reply, late)), done)
      else refuse(reply, refusal)
    }
  }

  async function answerProjectHealth(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: readonly Service[],
  ) {
    if (asked.length === 0) return refuse(reply, refusals.noRoute)
    const refusal = await enterProject(entry, request, reply, { prefix: '/health' })
    if (refusal !== null) return refuse(reply, refusal)
    return answerHealth(projectChecks(request.favo, asked), request, reply, log)
  }

  const isServicePath = (url: string) =>
    services.some(({ prefix }) => url.startsWith(prefix) && '/?'.includes(url[prefix.length] ?? '/'))

  function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return refuse(reply, refusals.bodyTooLarge)
    const status = error.statusCode ?? 500
    if (status >= 400 && status < 500)
      return refuse(reply, {
        ...refusals.badRequest,
        status,
        body: { code: 'bad_request', message: error.message },
      })
    log.error({ requestId: request.id, project: refOf(request), error }, 'request failed')
    return refuse(reply, refusals.internal)
  }

  return {
    app,
    listen: async (where) => {
      await app.listen(where)
      const bound = app.server.address()
      return typeof bound === 'object' && bound !== null ? bound.port : where.port
    },
    close: async () => {
      await Promise.all([app.close(), drain.closeConnections(app.server, config.closeGraceMs)])
    },
  }
}

// By connection and headers, of which the connection decides whether X-Forwarded-Host counts.
const hosts = new WeakMap<object, Host>()

/** Null when there is not exactly one host, or a malformed one. */
function onlyHost(request: FastifyRequest): Host | null {
  const identity = headerIdentity(request.raw)
  const known = hosts.get(identity)
  if (known !== undefined) return known
  const host = hasSeveralHosts(request.raw) ? null : parseHost(hostOf(request))
  if (host !== null) hosts.set(identity, host)
  return host
}

function addHeaders(reply: FastifyReply, headers: readonly string[]): void {
  for (let i = 0; i < headers.length; i += 2) reply.header(headers[i] ?? '', headers[i + 1])
}

function enterPlatform(request: FastifyRequest, reply: FastifyReply, done: () => void) {
  if (request[address].kind === 'platform') done()
  else void refuse(reply, refusals.noRoute)
}

/**
 * Fastify would close the connection while the client is still sending, and the reset that follows can overtake the 413.
 * Node reads and drops the rest instead, for at most `requestTimeoutMs`.
 */
function keepConnectionAfterTooLargeBody(
  _request: FastifyRequest,
  reply: FastifyReply,
  error: FastifyError,
  done: () => void,
) {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') reply.removeHeader('connection')
  done()
}
