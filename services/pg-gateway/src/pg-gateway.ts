import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { randomInt } from 'node:crypto'
import { openSession, type Endpoint } from '@favo/postgres'
import type { Project, ProjectDirectory } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import { CancelKeys } from './cancel-keys.ts'
import { refusals, Refusal } from './errors.ts'
import { Admission, type Entry } from './limits/admission.ts'
import { banMs, Bans } from './limits/bans.ts'
import { Places } from './limits/places.ts'
import { authentication, backendKeyData, parameterStatus, readyForQuery } from './protocol/messages.ts'
import { Session } from './sessions/session.ts'
import { loadCertificate } from './sign-in/certificate.ts'
import { Client } from './sign-in/client.ts'
import { checkStatus, signIn, type LoginFacts, type SignedIn } from './sign-in/sign-in.ts'
import { BackendPool, refusalOf } from './transactions/pool.ts'
import { PooledClient } from './transactions/pooled-client.ts'

export interface PgGatewayConfig {
  /** Connections on the session port: each is one of Postgres' own. */
  readonly sessionsMax: number
  readonly sessionsPerProjectMax: number
  /** Connections to Postgres that all clients of the transaction port share. */
  readonly backendsMax: number
  readonly backendsPerProjectMax: number
  /** Clients of the transaction port. */
  readonly clientsMax: number
  readonly clientsPerProjectMax: number
  readonly backendIdleMs: number
  /** How long a transaction waits for a backend. */
  readonly waitMs: number
  /** From the first byte to the proved password. */
  readonly handshakeMs: number
  /** From one address for one project within ten minutes; then the address is banned from it for half an hour; 0: never. */
  readonly wrongPasswordsMax: number
}

export const defaultPgGatewayConfig: PgGatewayConfig = {
  sessionsMax: 60,
  sessionsPerProjectMax: 12,
  backendsMax: 30,
  backendsPerProjectMax: 8,
  clientsMax: 5_000,
  clientsPerProjectMax: 500,
  backendIdleMs: 30_000,
  waitMs: 15_000,
  handshakeMs: 10_000,
  wrongPasswordsMax: 20,
}

export interface PgGatewayOptions {
  readonly directory: Pick<ProjectDirectory, 'findByRef' | 'findByLabel'>
  /** Where the Postgres that holds a database listens. */
  readonly endpointOf: (database: string) => Endpoint
  readonly findLogin: (role: string) => Promise<LoginFacts | null>
  /** Removes logins that were made for a while; called every minute. */
  readonly sweepLogins?: () => Promise<void>
  /** Brings a database up to date before it is used for the first time. */
  readonly beforeOpen: (database: string) => Promise<void>
  /** Keeps a ban: the address, or with IPv6 its network, comes with the project (`bannedAddresses`) from then on. */
  readonly banAddress: (ref: string, range: string, seconds: number) => Promise<void>
  /** 32 bytes that stay the same: they make the look-alike salts of users that do not exist. */
  readonly secret: Buffer
  /** PEM. Null: plain connections only. */
  readonly certificate: { readonly key: string; readonly certificate: string } | null
  readonly config: PgGatewayConfig
  readonly log: Logger
}

export interface PgGateway {
  /** Rejects when a port is taken. Resolves with the ports that were taken for 0. */
  listen(at: {
    readonly host: string
    readonly sessionPort: number
    readonly transactionPort: number
  }): Promise<{ readonly sessionPort: number; readonly transactionPort: number }>
  stats(): PgGatewayStats
  /** Lets what is underway finish for a moment, then ends all connections. */
  close(): Promise<void>
}

export interface PgGatewayStats {
  readonly sessions: number
  readonly transactionClients: number
  /** Connections to Postgres of the transaction port. */
  readonly backends: number
  /** Transactions that wait for one. */
  readonly waiting: number
}

type Mode = 'session' | 'transaction'

const openTimeoutMs = 5_000
const drainMs = 3_000
const idleCheckMs = 5_000
const sweepMs = 60_000

/** Postgres for customers: the session port and the transaction port. */
export function createPgGateway(options: PgGatewayOptions): PgGateway {
  const { config, endpointOf, log } = options
  const certificate = options.certificate === null ? null : loadCertificate(options.certificate)
  const admission = new Admission()
  const bans = new Bans(config.wrongPasswordsMax)
  const ban = ({ ref }: Project, range: string): void => {
    options.banAddress(ref, range, banMs / 1_000).catch((error: unknown) => {
      log.warn({ project: ref, error }, 'a ban could not be kept')
    })
  }
  const cancelKeys = new CancelKeys()
  const sessionPlaces = new Places(config.sessionsMax, config.sessionsPerProjectMax)
  const clientPlaces = new Places(config.clientsMax, config.clientsPerProjectMax)
  const opened = new Map<string, Promise<void>>()
  const prepareDatabase = (database: string): Promise<void> => {
    let ready = opened.get(database)
    if (ready === undefined) {
      ready = options.beforeOpen(database)
      opened.set(database, ready)
      ready.catch(() => opened.delete(database))
    }
    return ready
  }
  const pool = new BackendPool({
    endpointOf,
    beforeOpen: prepareDatabase,
    backendsMax: config.backendsMax,
    backendsPerProjectMax: config.backendsPerProjectMax,
    idleMs: config.backendIdleMs,
    waitMs: config.waitMs,
    log,
  })
  const sockets = new Set<Socket>()
  const sessions = new Set<Session>()
  const clients = new Set<PooledClient>()
  const servers: Server[] = []
  let isClosing = false

  const accept = async (socket: Socket, mode: Mode): Promise<void> => {
    const client = new Client(socket)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    let entry: Entry | null = null
    let timer: NodeJS.Timeout | undefined
    try {
      entry = await admission.enter(client.address)
      if (isClosing) throw refusals.shuttingDown()
      timer = setTimeout(() => client.refuse(refusals.handshakeTooSlow()), config.handshakeMs)
      const signedIn = await signIn(client, { ...options, certificate, admission, bans, ban })
      clearTimeout(timer)
      entry.leave()
      if (signedIn === null) client.socket.destroy()
      else if (signedIn.kind === 'cancel') {
        cancelKeys.cancel(signedIn.processId, signedIn.secretKey)
        client.socket.end()
      } else {
        await (mode === 'session' ? openForSession(client, signedIn) : openForTransactions(client, signedIn))
      }
    } catch (error) {
      if (!(error instanceof Refusal)) log.error({ error }, 'a Postgres client could not be served')
      client.refuse(error instanceof Refusal ? error : refusals.databaseUnreachable())
    } finally {
      clearTimeout(timer)
      entry?.leave()
    }
  }

  const openForSession = async (
    client: Client,
    { project, role, keys, startup }: SignedIn,
  ): Promise<void> => {
    await prepareDatabase(project.database)
    const place = takePlace(sessionPlaces, project)
    const endpoint = endpointOf(project.database)
    let session
    try {
      session = await openSession({
        endpoint,
        user: role,
        password: keys,
        database: project.database,
        settings: startup.settings,
        timeoutMs: openTimeoutMs,
      })
    } catch (error) {
      place.release()
      throw refusalOf(error, startup.user)
    }
    session.socket.on('error', () => undefined)
    if (client.socket.destroyed || isClosing) {
      session.socket.once('close', place.release)
      session.socket.destroy()
      if (isClosing) throw refusals.shuttingDown()
      return
    }
    // The process is really this client's; its secret stays here.
    const key = cancelKeys.register(session.processId, () => running.cancel())
    greet(client, session.parameters, backendKeyData(session.processId, key.secretKey))
    client.reader.release()
    const running = new Session({
      client: client.socket,
      backend: session,
      endpoint,
      onClosed: () => {
        key.forget()
        place.release()
        sessions.delete(running)
      },
    })
    sessions.add(running)
  }

  const openForTransactions = async (
    client: Client,
    { project, role, keys, login, startup }: SignedIn,
  ): Promise<void> => {
    const place = takePlace(clientPlaces, project)
    const membership = pool.join(
      { database: project.database, role, settings: startup.settings },
      { keys, settings: login.settings },
    )
    const leave = (): void => {
      membership.leave()
      place.release()
    }
    let parameters
    try {
      parameters = await membership.parameters()
    } catch (error) {
      leave()
      throw error
    }
    if (client.socket.destroyed || isClosing) {
      leave()
      if (isClosing) throw refusals.shuttingDown()
      return
    }
    // Above all process ids that a machine gives out.
    const processId = randomInt(2 ** 24, 2 ** 31 - 1)
    const key = cancelKeys.register(processId, () => pooled.cancel())
    greet(client, parameters, backendKeyData(processId, key.secretKey))
    client.reader.release()
    const pooled = new PooledClient({
      client: client.socket,
      membership,
      parameters,
      checkProject: () => checkProject(options.directory, project, client.isEncrypted),
      onClosed: () => {
        key.forget()
        place.release()
        clients.delete(pooled)
      },
    })
    clients.add(pooled)
  }

  const idleCheck = setInterval(() => {
    for (const client of clients) client.checkIdle(Date.now())
  }, idleCheckMs)
  idleCheck.unref()
  const sweep = setInterval(() => {
    options.sweepLogins?.().catch((error: unknown) => log.warn({ error }, 'expired logins were not removed'))
  }, sweepMs)
  sweep.unref()

  const listenOn = (mode: Mode, host: string, port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer((socket) => void accept(socket, mode))
      servers.push(server)
      server.once('error', reject)
      server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port))
    })

  const close = async (): Promise<void> => {
    isClosing = true
    clearInterval(idleCheck)
    clearInterval(sweep)
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    const until = Date.now() + drainMs
    for (;;) {
      for (const session of sessions) if (session.isIdle || Date.now() > until) session.end()
      for (const client of clients) if (client.isIdle || Date.now() > until) client.end()
      if ([...sessions].every((session) => session.isIdle) && clients.size === 0) break
      if (Date.now() > until) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await pool.close()
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }

  return {
    listen: async ({ host, sessionPort, transactionPort }) => ({
      sessionPort: await listenOn('session', host, sessionPort),
      transactionPort: await listenOn('transaction', host, transactionPort),
    }),
    stats: () => ({
      sessions: sessions.size,
      transactionClients: clients.size,
      backends: pool.backends,
      waiting: pool.waiting,
    }),
    close,
  }
}

function takePlace(places: Places, { database }: Project): { readonly release: () => void } {
  const place = places.take(database)
  if (place === 'project full') throw refusals.tooManyOfProject(places.of(database))
  if (place === 'full') throw refusals.tooManyInAll()
  return place
}

/** The end of the sign-in, up to the first ReadyForQuery. */
function greet(client: Client, parameters: ReadonlyMap<string, string>, key: Buffer): void {
  client.write(
    Buffer.concat([
      authentication.ok,
      ...[...parameters].map(([name, value]) => parameterStatus(name, value)),
      key,
      readyForQuery('I'),
    ]),
  )
}

/** Throws Refusal when the project has been paused, deleted or closed to such clients since this one signed in. */
function checkProject(
  directory: PgGatewayOptions['directory'],
  { ref, database }: Project,
  isEncrypted: boolean,
): void | Promise<void> {
  const check = (project: Project | null): void => {
    if (project === null || project.database !== database) throw refusals.gone()
    checkStatus(project)
    if (project.requiresTls === true && !isEncrypted) throw refusals.tlsRequired()
  }
  const found = directory.findByRef(ref)
  return found instanceof Promise ? found.then(check) : check(found)
}
