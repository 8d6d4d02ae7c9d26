import type { Logger } from '@favo/runtime'
import type { Project } from '@favo/projects'
import type { CancelSignal, ProjectDb } from '@favo/postgres'

export type Claims = Readonly<Record<string, unknown>>

/**
 * What the caller showed beside the API key, which the gateway has already checked against this project.
 *
 * - `key`: nothing more than the API key (or the key repeated as bearer); `claims.role` is `anon` or `service_role`.
 * - `token`: a bearer token that the service has to verify in its own dialect, with `project.jwtSecret`.
 */
export type Authorization =
  { readonly kind: 'key'; readonly claims: Claims } | { readonly kind: 'token'; readonly token: string }

/**
 * One request to one project. Made once by the gateway, never changed; nothing else is hung on the request.
 * `log`, `signal`, `departure`, `baseUrl` and `clientIp` are made when they are read: take them out by name, `{ ...favo }` loses them.
 */
export interface RequestContext {
  readonly requestId: string
  readonly project: Project
  readonly db: ProjectDb
  /** Null on the few routes that need no API key (`/auth/v1/verify`, health). */
  readonly apiKey: { readonly role: 'anon' | 'service_role'; readonly claims: Claims } | null
  readonly authorization: Authorization
  readonly log: Logger
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal
  /** The same for the database: costs nothing until the client has really gone. */
  readonly departure: CancelSignal
  /** The project's address as this client reached it, no slash at the end: `http://<ref>.favo.localhost:8000` or `…/p/<ref>`. */
  readonly baseUrl: string
  /** `/p/<ref>` when the project was named by path, else empty: what to put before paths in Location headers. */
  readonly pathPrefix: string
  readonly clientIp: string
  /** What the gateway has put on the answer, for those who write it past Fastify: names in lower case and values, in turn. */
  readonly answerHeaders: readonly string[]
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the gateway before any service's handler runs. */
    favo: RequestContext
  }
}
