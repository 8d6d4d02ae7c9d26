import type { FastifyReply } from 'fastify'
import { ERROR_CODE_HEADER } from '@favo/http'

/** An answer that the gateway gives itself. `code` is for the log and for clients that branch on it. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly body: { readonly message: string; readonly code?: string; readonly hint?: string }
  readonly retryAfterSeconds?: number
}

const ours = (
  status: number,
  code: string,
  message: string,
  more: { hint?: string; retryAfterSeconds?: number } = {},
): Refusal => ({
  status,
  code,
  body: { code, message, ...(more.hint === undefined ? {} : { hint: more.hint }) },
  ...(more.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: more.retryAfterSeconds }),
})

/**
 * The three that clients know from Supabase's gateway carry its texts letter for letter (Kong with the key-auth plugin as
 * in supabase/supabase docker/volumes/api/kong.yml; hosted answers alike); the others are ours.
 */
export const refusals = {
  noApiKey: {
    status: 401,
    code: 'no_api_key',
    body: {
      message: 'No API key found in request',
      hint: 'No `apikey` request header or url param was found.',
    },
  },
  invalidApiKey: {
    status: 401,
    code: 'invalid_api_key',
    body: {
      message: 'Invalid API key',
      hint: 'Double check your Supabase `anon` or `service_role` API key.',
    },
  },
  noRoute: { status: 404, code: 'no_route', body: { message: 'no Route matched with those values' } },
  unknownProject: ours(404, 'project_not_found', 'There is no project at this address'),
  pausedProject: ours(540, 'project_paused', 'Project paused', {
    hint: 'Resume it with `favo projects resume` or `POST /v1/projects/{ref}/restore`.',
  }),
  projectComingUp: ours(503, 'project_coming_up', 'The project is coming up', { retryAfterSeconds: 2 }),
  projectFailed: ours(503, 'project_unavailable', 'The project could not be set up'),
  directoryDown: ours(503, 'service_unavailable', 'The platform is not ready', { retryAfterSeconds: 2 }),
  badHost: ours(400, 'bad_host', 'The Host header must name exactly one host'),
  badUrl: ours(400, 'bad_url', 'The URL is malformed'),
  badRequest: ours(400, 'bad_request', 'The request is not valid HTTP'),
  headersTooLarge: ours(431, 'headers_too_large', 'The URL and the headers together are too large'),
  requestTimeout: ours(408, 'request_timeout', 'The request did not arrive in time'),
  bodyTooLarge: ours(413, 'body_too_large', 'The request body is too large'),
  internal: ours(500, 'internal_error', 'Something went wrong here; the request id finds it in the log'),
} as const satisfies Record<string, Refusal>

export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  if (refusal.retryAfterSeconds !== undefined) reply.header('retry-after', refusal.retryAfterSeconds)
  return reply.code(refusal.status).header(ERROR_CODE_HEADER, refusal.code).send(refusal.body)
}
