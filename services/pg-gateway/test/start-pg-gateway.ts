import { randomBytes } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import { createTestProject, createTestTenancy, type TestProject } from '@favo/testkit'
import type { Project } from '@favo/projects'
import { createLogger } from '@favo/runtime'
import type { Tenancy } from '@favo/tenancy'
import { Client, type ClientConfig } from 'pg'
import { inject } from 'vitest'
import {
  createPgGateway,
  defaultPgGatewayConfig,
  type PgGateway,
  type PgGatewayConfig,
} from '../src/index.ts'

export type Port = 'session' | 'transaction'

export interface TestGateway {
  readonly gateway: PgGateway
  readonly tenancy: Tenancy
  readonly port: Record<Port, number>
  /** Refs and projects that the directory knows; a test changes what is found. */
  readonly projects: Map<string, Project>
  readonly logLines: Record<string, unknown>[]
  /** A client that is connected; it is ended when the gateway is closed. */
  connect(port: Port, project: TestProject, config?: ClientConfig): Promise<Client>
  /** Credentials of the project's owner, for node-postgres. */
  credentials(port: Port, project: TestProject): ClientConfig
  url(port: Port, project: TestProject, user?: string): string
  /** A cancel request, as a client sends it over a connection of its own. */
  cancel(port: Port, processId: number, secretKey: number): Promise<void>
  newProject(overrides?: Partial<Project>): Promise<TestProject>
  close(): Promise<void>
}

export interface TestGatewayOptions {
  readonly config?: Partial<PgGatewayConfig>
  readonly certificate?: { readonly key: string; readonly certificate: string } | null
}

/** The gateway on free ports, over a directory that the test fills. */
export async function startPgGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const cluster = inject('cluster')
  const tenancy = createTestTenancy(cluster)
  const projects = new Map<string, Project>()
  const logLines: Record<string, unknown>[] = []
  const gateway = createPgGateway({
    directory: {
      findByRef: (ref) => projects.get(ref) ?? null,
      findByLabel: (label) =>
        projects.get(label) ?? [...projects.values()].find(({ subdomain }) => subdomain === label) ?? null,
    },
    endpointOf: () => cluster.endpoint,
    findLogin: (role) => tenancy.findLogin(role),
    beforeOpen: () => Promise.resolve(),
    banAddress: async (ref, range) => {
      const project = projects.get(ref)
      if (project !== undefined)
        projects.set(ref, { ...project, bannedAddresses: [...(project.bannedAddresses ?? []), range] })
    },
    secret: randomBytes(32),
    certificate: options.certificate ?? null,
    // What bans are for has a test of its own; others get passwords wrong on purpose, all from one address.
    config: { ...defaultPgGatewayConfig, wrongPasswordsMax: 1_000, ...options.config },
    log: createLogger({
      level: 'debug',
      write: (line) => logLines.push(JSON.parse(line) as Record<string, unknown>),
    }),
  })
  const ports = await gateway.listen({ host: '127.0.0.1', sessionPort: 0, transactionPort: 0 })
  const port = { session: ports.sessionPort, transaction: ports.transactionPort }
  const clients: Client[] = []
  const opened: TestProject[] = []
  const credentials = (which: Port, project: TestProject): ClientConfig => ({
    host: '127.0.0.1',
    port: port[which],
    user: `postgres.${project.project.ref}`,
    password: decodeURIComponent(new URL(project.ownerUrl).password),
    database: 'postgres',
  })
  return {
    gateway,
    tenancy,
    port,
    projects,
    logLines,
    credentials,
    url: (which, project, user = 'postgres') =>
      `postgresql://${user}.${project.project.ref}:${new URL(project.ownerUrl).password}@127.0.0.1:${port[which]}/postgres`,
    connect: async (which, project, config = {}) => {
      const client = new Client({ ...credentials(which, project), ...config })
      client.on('error', () => {})
      clients.push(client)
      await client.connect()
      return client
    },
    cancel: (which, processId, secretKey) =>
      new Promise((resolve) => {
        const socket = connectSocket(port[which], '127.0.0.1', () => {
          const packet = Buffer.alloc(16)
          packet.writeInt32BE(16, 0)
          packet.writeInt32BE(80_877_102, 4)
          packet.writeInt32BE(processId, 8)
          packet.writeInt32BE(secretKey, 12)
          socket.write(packet)
        })
        socket.resume().on('error', () => undefined)
        socket.once('close', () => resolve())
      }),
    newProject: async (overrides) => {
      const project = await createTestProject(overrides)
      projects.set(project.project.ref, project.project)
      opened.push(project)
      return project
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => {})))
      await gateway.close()
      await Promise.all(opened.map((project) => project.close()))
      await tenancy.close()
    },
  }
}
