import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyPluginAsync } from 'fastify'
import type { Service } from '@favo/http'
import type { ProjectDb } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { createLogger } from '@favo/runtime'
import { onTestFinished } from 'vitest'
import {
  createGateway,
  defaultGatewayConfig,
  type Gateway,
  type GatewayConfig,
  type GatewayOptions,
} from '../src/index.ts'
import { fakeDirectory, makeProject, type FakeProject } from './fake-projects.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Empty when the body is not a JSON object. */
  readonly body: Readonly<Record<string, unknown>>
}

export interface Sent {
  readonly method?: string
  readonly host?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
}

export interface TestGateway {
  readonly gateway: Gateway
  readonly port: number
  readonly a: FakeProject
  readonly b: FakeProject
  readonly logLines: string[]
  /** `path` goes over the wire letter for letter. */
  readonly send: (path: string, sent?: Sent) => Promise<Reply>
  /** Writes the text to a new connection and gives back all that comes until it is closed. */
  readonly sendRaw: (text: string) => Promise<string>
}

export const DOMAIN = 'favo.test'

/** What the stub services answer: whom the gateway took the request for. */
const echo: FastifyPluginAsync = async (app) => {
  app.route({
    method: ['GET', 'POST', 'OPTIONS', 'HEAD'],
    url: '/*',
    config: { operation: 'stub.echo' },
    handler: async ({ favo, url }) => ({
      ref: favo.project.ref,
      database: (favo.db as unknown as { name: string }).name,
      apiKey: favo.apiKey?.role ?? null,
      authorization: favo.authorization,
      baseUrl: favo.baseUrl,
      pathPrefix: favo.pathPrefix,
      clientIp: favo.clientIp,
      requestId: favo.requestId,
      url,
    }),
  })
}

export const stubService = (prefix: string, more: Partial<Service> = {}): Service => ({
  prefix,
  routes: echo,
  close: async () => {},
  ...more,
})

interface Setup {
  readonly projects?: readonly FakeProject[]
  readonly directory?: 'at once' | 'later'
  readonly config?: Partial<GatewayConfig>
  readonly services?: readonly Service[]
  readonly options?: Partial<GatewayOptions>
}

/** A gateway with two projects, `alpha` (a) and `beta` (b), stub services, and no Postgres. */
export async function startGateway(setup: Setup = {}): Promise<TestGateway> {
  const a = makeProject('alpha')
  const b = makeProject('beta')
  const logLines: string[] = []
  const gateway = createGateway({
    directory: fakeDirectory([a, b, ...(setup.projects ?? [])], setup.directory ?? 'at once'),
    dbFor: fakeDb,
    services: setup.services ?? [
      stubService('/rest/v1'),
      stubService('/auth/v1', { openPaths: [/^\/verify$/] }),
    ],
    controlPlane: {
      prefix: '/v1',
      routes: async (app) => {
        app.get('/projects', async () => ['control plane'])
      },
    },
    config: { ...defaultGatewayConfig, domain: DOMAIN, publicUrl: `https://${DOMAIN}`, ...setup.config },
    log: createLogger({ level: 'debug', write: (line) => void logLines.push(line) }),
    health: { postgres: async () => {} },
    ...setup.options,
  })
  const port = await gateway.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => gateway.close())
  return {
    gateway,
    port,
    a,
    b,
    logLines,
    send: (path, sent) => send(port, path, sent),
    sendRaw: (text) => sendRaw(port, text),
  }
}

/** Only its name matters here: it shows which project's database a request would have reached. */
const fakeDb = (project: Project): ProjectDb =>
  ({
    name: project.database,
    asService: () => ({ one: async () => ({ ok: 1 }) }),
  }) as unknown as ProjectDb

export function send(port: number, path: string, { method, host, headers, body }: Sent = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method: method ?? 'GET',
        agent: false,
        headers: { host: host ?? `127.0.0.1:${port}`, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => (received += String(chunk)))
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

/** Polls, for what happens a little later than the answer. */
export async function eventually(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not happen within 5 s')
    await delay(5)
  }
}
