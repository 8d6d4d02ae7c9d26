import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { acceptBodiesAsBuffers, bodyBytes, headerIdentity, writeAnswer, type Service } from '@favo/http'
import { handle, type Store } from './handle.ts'
import type { RawRequest } from './parse/request.ts'
import { SchemaStore } from './schema-cache/store.ts'

const PREFIX = '/rest/v1'

/** PostgREST 14's dialect over the databases of all projects. */
export function createRest(): Service {
  const store: Store = new SchemaStore()

  const routes: FastifyPluginAsync = async (app) => {
    acceptBodiesAsBuffers(app)
    const serve = (request: FastifyRequest, reply: FastifyReply): void => {
      const ctx = request.favo
      handle(store, ctx, rawRequest(request), `${ctx.pathPrefix}${PREFIX}`)
        .then((answer) => writeAnswer(reply, answer, ctx.answerHeaders))
        .catch((error: unknown) => reply.send(error))
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
    url,
    path: path.slice(path.indexOf(PREFIX) + PREFIX.length) || '/',
    queryString: question < 0 ? '' : url.slice(question + 1),
    headers: request.headers as RawRequest['headers'],
    headersKey: headerIdentity(request.raw),
    body: bodyBytes(request),
  }
}
