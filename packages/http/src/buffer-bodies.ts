import type { FastifyInstance, FastifyRequest } from 'fastify'

/**
 * Gives handlers of this scope the body as the bytes that came, whatever their type: for dialects that parse bodies
 * themselves (or hand them to Postgres unparsed) and word the errors in their own way. Read it with `bodyBytes`.
 */
export function acceptBodiesAsBuffers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
}

const NOTHING = Buffer.alloc(0)

/** The body of a request in a scope of `acceptBodiesAsBuffers`; empty when there was none. */
export const bodyBytes = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : NOTHING
