import type { IncomingHttpHeaders } from 'node:http'
import { bodyBytes } from '@favo/http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { checkCaptcha } from './captcha/check-captcha.ts'
import type { AuthContext, Administrator, SignedIn } from './context.ts'
import { tellAfterCreating } from './hooks/after-user-created.ts'
import { parseBody, type BodySchema } from './parse-body.ts'
import type { LimitName } from './rate-limits/request-rates.ts'
import { findRedirect } from './redirects/redirect-url.ts'
import { renderError } from './render-error.ts'
import { requireAdministrator } from './sessions/require-administrator.ts'
import { requireSignedIn } from './sessions/require-signed-in.ts'

/** Who gets through: anybody with an API key, a signed-in user, the service key. `open` needs no API key either. */
interface Callers {
  open: null
  public: null
  user: SignedIn
  admin: Administrator
}
export type Access = keyof Callers

export interface AuthReply {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface RouteInput<A extends Access, Body> {
  readonly caller: Callers[A]
  readonly body: Body
  /** A body in the form of HTML's forms, or the texts of a JSON object in its place; empty when it is of another type. */
  readonly form: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The user of the request's access token, where being signed in is not asked of everybody. Throws as `user` routes do. */
  readonly authenticate: () => Promise<SignedIn>
  readonly query: URLSearchParams
  readonly params: Readonly<Record<string, string>>
  /** Where a mail that this request causes, or its answer, may lead. */
  readonly redirectTo: string
}

interface RouteDefinition<A extends Access, Body> {
  /** Dotted, stable: `auth.sign_up`. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/auth/v1`. */
  readonly path: string
  readonly access: A
  readonly body?: BodySchema<Body>
  /** Whether a captcha must be solved, where the project wants one; by the query where one path does several things. */
  readonly captcha?: true | ((query: URLSearchParams) => boolean)
  /** What requests of one client address are limited by. */
  readonly limit?: LimitName
  /** What must be so before the body is looked at. Throws the refusal. */
  readonly check?: (ctx: AuthContext, query: URLSearchParams) => void
  readonly handle: (ctx: AuthContext, input: RouteInput<A, Body>) => Promise<AuthReply>
}

export interface AuthRoute {
  readonly access: Access
  readonly path: string
  mount(app: FastifyInstance, createContext: (request: FastifyRequest) => AuthContext): void
}

const callers: { [A in Access]: (ctx: AuthContext, request: FastifyRequest) => Promise<Callers[A]> } = {
  open: async () => null,
  public: async () => null,
  user: requireSignedIn,
  admin: requireAdministrator,
}

/** One endpoint: caller first, then the body, then the rule; errors in GoTrue's form. */
export function route<A extends Access, Body = undefined>(definition: RouteDefinition<A, Body>): AuthRoute {
  const { operation, method, path, access, body, captcha, limit, check, handle } = definition
  const findCaller = callers[access]
  return {
    access,
    path,
    mount: (app, createContext) => {
      app.route({
        method,
        url: path,
        // As in GoTrue: a mail scanner's HEAD must not follow a link that is good once.
        exposeHeadRoute: false,
        config: { operation },
        handler: async (request, reply) => {
          let outbox: AuthContext['outbox'] | null = null
          try {
            const ctx = createContext(request)
            outbox = ctx.outbox
            if (limit !== undefined) ctx.limits.take(limit)
            if (captcha !== undefined && ctx.settings.captchaEnabled)
              if (captcha === true || captcha(queryOf(request))) await checkCaptcha(ctx, request)
            check?.(ctx, queryOf(request))
            const answer = await handle(ctx, {
              caller: await findCaller(ctx, request),
              body: body === undefined ? (undefined as Body) : parseBody(body, request),
              query: queryOf(request),
              get form() {
                return formOf(request)
              },
              headers: request.headers,
              authenticate: () => requireSignedIn(ctx, request),
              params: request.params as Record<string, string>,
              get redirectTo() {
                return findRedirect(ctx.settings, request)
              },
            })
            if (ctx.newUserIds.length > 0) await tellAfterCreating(ctx)
            reply.code(answer.status)
            if (answer.headers !== undefined) reply.headers(answer.headers)
            return await reply.send(answer.body)
          } catch (error) {
            return renderError(error, request, reply)
          } finally {
            // Also after a failure: what was committed before it leaves.
            outbox?.flush()
          }
        },
      })
    },
  }
}

function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1))
}

function formOf(request: FastifyRequest): URLSearchParams {
  const type = request.headers['content-type'] ?? ''
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type)
  if (/^application\/json\b/i.test(type)) return textsOf(bodyBytes(request))
  return new URLSearchParams(isForm ? bodyBytes(request).toString('utf8') : '')
}

function textsOf(json: Buffer): URLSearchParams {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'))
    if (typeof value !== 'object' || value === null) return new URLSearchParams()
    return new URLSearchParams(Object.entries(value).filter(([, member]) => typeof member === 'string'))
  } catch {
    return new URLSearchParams()
  }
}
