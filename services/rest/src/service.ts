import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { acceptBodiesAsBuffers, bodyBytes, headerIdentity, type Service } from '@favo/http'
import { handle, type Store } from './handle.ts'
import type { RawRequest } from './parse/request.ts'
import type { Answer } from './render/response.ts'
import { SchemaStore } from './schema-cache/store.ts'

const PREFIX = '/rest/v1'

/** PostgREST 14's dialect over the databases of all projects. */
export function createRest(): Service {
  const store: Store = new SchemaStore()

  const routes: FastifyPluginAsync = async (app) => {
    acceptBodiesAsBuffers(app)
    const serve = async (request: FastifyRequest, reply: FastifyReply) => {
      const ctx = request.favo
      const answer = await handle(store, ctx, rawRequest(request), `${ctx.pathPrefix}${PREFIX}`)
      write(reply, answer)
      return reply
    }
    const config = { operation: 'rest.request' }
    app.all('/', { config }, serve)
    app.all('/*', { config }, serve)
  }

  return {
    prefix: PREFIX,
    routes,
    checkHealth: async ({ project, db }) => {
      await store.get(project, db)
    },
    close: async () => {},
  }
}

function rawRequest(request: FastifyRequest): RawRequest {
  const url = request.url
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  return {
    method: request.method,
    path: path.slice(path.indexOf(PREFIX) + PREFIX.length) || '/',
    queryString: question < 0 ? '' : url.slice(question + 1),
    headers: request.headers as RawRequest['headers'],
    headersKey: headerIdentity(request.raw),
    body: bodyBytes(request),
  }
}

/** Straight to the socket: nothing of Fastify's serialization is needed for bytes that are ready. */
function write(reply: FastifyReply, answer: Answer): void {
  reply.hijack()
  const { raw } = reply
  // Names and values in turn, as Node takes them fastest. A header of the answer replaces the gateway's.
  const headers: string[] = []
  for (const [name, value] of answer.headers) headers.push(lowerCase(name), value)
  const own = headers.length
  const given = reply.getHeaders()
  for (const name in given) {
    const value = given[name]
    if (value === undefined || hasName(headers, own, name)) continue
    if (Array.isArray(value)) for (const one of value) headers.push(name, one)
    else headers.push(name, String(value))
  }
  if (answer.statusText === null) raw.writeHead(answer.status, headers)
  else raw.writeHead(answer.status, answer.statusText, headers)
  const { body } = answer
  const { socket } = raw
  if (body === null) raw.end()
  else if (body.length > SMALL_BYTES || socket === null) raw.end(body)
  else {
    // As text, which Latin-1 keeps byte for byte, it becomes one string with the headers; uncorked before the end, which
    // adds an empty chunk of its own, that is one plain write instead of a list of three.
    socket.cork()
    raw.write(body.toString('latin1'), 'latin1')
    socket.uncork()
    raw.end()
  }
}

function hasName(headers: readonly string[], end: number, name: string): boolean {
  for (let i = 0; i < end; i += 2) if (headers[i] === name) return true
  return false
}

const lowerNames = new Map<string, string>()

/** Ours are few and always the same; those that a project's SQL sets may be any. */
function lowerCase(name: string): string {
  let lower = lowerNames.get(name)
  if (lower === undefined) {
    lower = name.toLowerCase()
    if (lowerNames.size < 100) lowerNames.set(name, lower)
  }
  return lower
}

const SMALL_BYTES = 16_384
