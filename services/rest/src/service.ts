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
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value : String(value)
  const own = new Set<string>()
  for (const [name, value] of answer.headers) {
    const key = name.toLowerCase()
    const before = own.has(key) ? headers[key] : undefined
    headers[key] = before === undefined ? value : [...[before].flat(), value]
    own.add(key)
  }
  if (answer.statusText === null) reply.raw.writeHead(answer.status, headers)
  else reply.raw.writeHead(answer.status, answer.statusText, headers)
  reply.raw.end(answer.body ?? undefined)
}
