import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { acceptBodiesAsBuffers, bodyBytes, type Service } from '@favo/http'
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
    body: bodyBytes(request),
  }
}

/** Straight to the socket: nothing of Fastify's serialization is needed for bytes that are ready. */
function write(reply: FastifyReply, answer: Answer): void {
  reply.hijack()
  const { raw } = reply
  const own = answer.headers.map(([name]) => name.toLowerCase())
  // Names and values in turn, as Node takes them fastest. A header of the answer replaces the gateway's.
  const headers: string[] = []
  const given = reply.getHeaders()
  for (const name in given) {
    const value = given[name]
    if (value === undefined || own.includes(name)) continue
    if (Array.isArray(value)) for (const one of value) headers.push(name, one)
    else headers.push(name, String(value))
  }
  for (let i = 0; i < own.length; i++) headers.push(own[i] ?? '', answer.headers[i]?.[1] ?? '')
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

const SMALL_BYTES = 16_384
