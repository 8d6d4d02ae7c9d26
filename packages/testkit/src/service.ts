import { randomUUID } from 'node:crypto'
import fastify from 'fastify'
import type { Service } from '@favo/http'
import { silentLogger } from '@favo/runtime'
import { signJwt, verifyJwt } from '@favo/tokens'
import { closeWithTest, createTestProject, type TestProject } from './project.ts'

export interface TestService extends TestProject {
  /** Address of the service, its prefix included: `http://127.0.0.1:<port>/rest/v1`. */
  readonly url: string
  readonly keys: { readonly anon: string; readonly service: string }
  /** A user token of this project, good for an hour unless the claims say otherwise. */
  token(claims: Record<string, unknown>): string
}

/**
 * One service over HTTP on a project of its own, with a request context made as the gateway makes it: the `apikey` header (or
 * the bearer token, when it is one of the two keys) gives the role, any other bearer token is passed on.
 */
export async function startService(
  createService: (project: TestProject) => Service,
  given?: TestProject,
): Promise<TestService> {
  const testProject = given ?? (await createTestProject())
  const service = createService(testProject)
  const { project, db } = testProject
  const sign = (claims: Record<string, unknown>) => {
    const iat = Math.floor(Date.now() / 1000)
    return signJwt({ iat, exp: iat + 3_600, ...claims }, project.jwtSecret)
  }
  const keys = {
    anon: sign({ iss: 'supabase', ref: project.ref, role: 'anon' }),
    service: sign({ iss: 'supabase', ref: project.ref, role: 'service_role' }),
  }

  const app = fastify({ exposeHeadRoutes: false })
  app.addHook('onRequest', async (request, reply) => {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const apiKey = String(request.headers.apikey ?? (bearer === keys.service ? keys.service : keys.anon))
    const verified = verifyJwt(apiKey, project.jwtSecret)
    const claims = verified.ok ? verified.claims : { role: 'anon' }
    const gone = new AbortController()
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) gone.abort()
    })
    request.favo = {
      requestId: randomUUID(),
      project,
      db,
      apiKey: { role: claims.role === 'service_role' ? 'service_role' : 'anon', claims },
      authorization:
        bearer === undefined || bearer === apiKey
          ? { kind: 'key', claims }
          : { kind: 'token', token: bearer },
      log: silentLogger(),
      signal: gone.signal,
      departure: gone.signal,
      baseUrl: `http://${request.headers.host}`,
      pathPrefix: '',
      clientIp: request.ip,
      answerHeaders: [],
    }
  })
  await app.register(service.routes, { prefix: service.prefix })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })

  const close = async () => {
    await app.close()
    await service.close()
    if (given === undefined) await testProject.close()
  }
  closeWithTest(close)
  return { ...testProject, url: `${address}${service.prefix}`, keys, token: sign, close }
}
