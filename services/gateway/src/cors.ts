import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Any origin may call a project: the key is what counts, and no cookie or other ambient credential is ever looked at
 * (so `*`, and no Allow-Credentials). The platform's own routes get none of this.
 */
const EXPOSED_HEADERS = [
  ...['Content-Encoding', 'Content-Location', 'Content-Range', 'Content-Type', 'Date', 'Location', 'Server'],
  ...['Transfer-Encoding', 'Range-Unit', 'Preference-Applied', 'Proxy-Status', 'Retry-After'],
  ...['Link', 'X-Total-Count', 'X-Supabase-Api-Version', 'X-Sb-Error-Code', 'Sb-Request-Id', 'X-Request-Id'],
].join(', ')

const ALLOWED_METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS'
const ALLOWED_HEADERS = [
  ...[
    'accept',
    'accept-profile',
    'apikey',
    'authorization',
    'content-profile',
    'content-type',
    'prefer',
    'range',
  ],
  ...['range-unit', 'x-client-info', 'x-region', 'x-request-id', 'x-supabase-api-version', 'x-upsert'],
].join(', ')
const MAX_AGE_SECONDS = '3600'

/** Kong's `cors` plugin, which Supabase runs with its defaults, lets through whatever headers the browser asks for. */
const HEADER_LIST = /^[\w-]+(?: ?, ?[\w-]+){0,99}$/

export const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' &&
  headers.origin !== undefined &&
  headers['access-control-request-method'] !== undefined

/** Sent without an Origin as well: an answer that a cache keeps may be given to a browser later. Names and values in turn. */
export const corsHeaders = [
  ...['access-control-allow-origin', '*'],
  ...['access-control-expose-headers', EXPOSED_HEADERS],
]

/** Answered before anything is looked up: a preflight has no key, and its answer says nothing about the project. */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const wanted = request.headers['access-control-request-headers']
  return reply
    .code(200)
    .header('access-control-allow-origin', '*')
    .header('access-control-allow-methods', ALLOWED_METHODS)
    .header(
      'access-control-allow-headers',
      wanted !== undefined && HEADER_LIST.test(wanted) ? wanted : ALLOWED_HEADERS,
    )
    .header('access-control-max-age', MAX_AGE_SECONDS)
    .header('content-length', '0')
    .send()
}
