import { mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startEmbedded, superuser } from '@favo/cluster'
import { createLogger, findHome, parseConfig, type Logger } from '@favo/runtime'
import { extensionsDirectory } from '@favo/tenancy'
import { renderBanner } from './banner.ts'
import { configSchema, type Config } from './config.ts'
import { lockHome } from './lock.ts'
import { startPlatform } from './platform.ts'
import { choosePort } from './ports.ts'
import { loadPostgresCertificate } from './postgres-certificate.ts'
import { loadSecrets, writePrivate } from './secrets.ts'

export interface Server {
  readonly log: Logger
  /** What people read when it is up. */
  readonly banner: string
  close(): Promise<void>
}

/**
 * Everything `npm start` runs: configuration, one-at-a-time lock, secrets, embedded Postgres, platform, and the file by which the
 * command line finds it. Whatever was started is stopped again when a later step fails.
 */
export async function startServer(options: {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}): Promise<Server> {
  const config = parseConfig(configSchema, options.env)
  const home = findHome(options.env)
  const log = createLogger({ level: config.FAVO_LOG_LEVEL })
  const undo: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }

  try {
    await makeHome(home.directory, dirname(home.runFile))
    undo.push(await lockHome(home.lockSocket))
    const secrets = await loadSecrets(home)
    // Making a key takes a moment, during which Postgres starts.
    const certificate = loadPostgresCertificate(config, home)
    certificate.catch(() => undefined)
    let ports = await choosePorts(config)

    const cluster = await startEmbedded({
      directory: home.postgres,
      password: secrets.superuserPassword,
      port: config.FAVO_DB_PORT,
      maxConnections: config.FAVO_DB_MAX_CONNECTIONS,
      extensionsDirectory,
      log,
    })
    undo.push(() => cluster.stop())

    const startOn = async (chosen: Ports) =>
      startPlatform({
        cluster: {
          endpoint: cluster.endpoint,
          superuser: { user: superuser, password: secrets.superuserPassword },
        },
        masterKey: secrets.masterKey,
        bootstrapToken: secrets.bootstrapToken,
        platformDatabase: 'p_platform',
        allowPrivateAddresses: config.FAVO_ALLOW_PRIVATE_ADDRESSES,
        leakedPasswordsUrl: config.FAVO_LEAKED_PASSWORDS_URL,
        deleteGraceSeconds: config.FAVO_DELETE_GRACE_DAYS * 86_400,
        http: {
          host: config.FAVO_HOST,
          port: chosen.http,
          domain: config.FAVO_DOMAIN,
          publicUrl: config.FAVO_PUBLIC_URL ?? null,
          bodyLimitBytes: config.FAVO_BODY_LIMIT_MB * 2 ** 20,
          trustedProxies: config.FAVO_TRUSTED_PROXIES ?? [],
        },
        pg: {
          host: config.FAVO_PG_HOST ?? config.FAVO_HOST,
          sessionPort: chosen.session,
          transactionPort: chosen.transaction,
          certificate: await certificate,
          limits: {
            sessionsMax: config.FAVO_PG_CONNECTIONS,
            sessionsPerProjectMax: config.FAVO_PG_CONNECTIONS_PER_PROJECT,
            backendsMax: config.FAVO_PG_POOL_CONNECTIONS,
            backendsPerProjectMax: config.FAVO_PG_POOL_CONNECTIONS_PER_PROJECT,
            wrongPasswordsMax: config.FAVO_PG_WRONG_PASSWORDS,
          },
        },
        pools: {
          maxConnections: config.FAVO_POOL_CONNECTIONS,
          maxPerPool: config.FAVO_POOL_CONNECTIONS_PER_PROJECT,
          idleMs: config.FAVO_POOL_IDLE_SECONDS * 1_000,
          acquireTimeoutMs: 10_000,
        },
        log,
      })
    const platform = await startOn(ports).catch(async (error: unknown) => {
      // Taken between looking and listening. Chosen again: as with any taken port, only a default one gives way.
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
      ports = await choosePorts(config)
      return startOn(ports)
    })
    undo.push(() => platform.close())

    await writePrivate(
      home.runFile,
      `${JSON.stringify({
        pid: process.pid,
        api_url: platform.apiUrl,
        admin_url: `postgresql://${superuser}:${secrets.superuserPassword}@127.0.0.1:${cluster.port}/postgres`,
      })}\n`,
    )
    undo.push(() => rm(home.runFile, { force: true }))

    const banner = renderBanner({
      apiUrl: platform.apiUrl,
      domain: config.FAVO_DOMAIN,
      port: ports.http,
      databasePorts: platform.databasePorts,
      home: home.directory,
      startMs: Date.now() - options.startedAt,
      projects: await platform.countProjects(),
    })
    return { log, banner, close }
  } catch (error) {
    await close()
    throw explain(error, home.secrets)
  }
}

interface Ports {
  readonly http: number
  readonly session: number
  readonly transaction: number
}

async function choosePorts(config: Config): Promise<Ports> {
  const pgHost = config.FAVO_PG_HOST ?? config.FAVO_HOST
  const http = await choosePort(
    { name: 'FAVO_PORT', wanted: config.FAVO_PORT, fallback: 8_000 },
    config.FAVO_HOST,
  )
  const session = await choosePort(
    { name: 'FAVO_PG_PORT', wanted: config.FAVO_PG_PORT, fallback: 54_322 },
    pgHost,
  )
  const transaction = await choosePort(
    { name: 'FAVO_PG_TRANSACTION_PORT', wanted: config.FAVO_PG_TRANSACTION_PORT, fallback: 54_329 },
    pgHost,
    [session],
  )
  return { http, session, transaction }
}

/** 28P01: the cluster was made with another password than the one that lies in `secrets/`. */
function explain(error: unknown, secrets: string): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === '28P01')) return error
  return new Error(
    `Postgres refuses the password in ${secrets}/superuser-password: it is not the one this data folder was made with. ` +
      'Restore the file from your backup.',
    { cause: error },
  )
}

async function makeHome(...directories: string[]): Promise<void> {
  for (const directory of directories)
    try {
      // Others may pass through, for the sake of Postgres' user, but not look.
      await mkdir(directory, { recursive: true, mode: 0o711 })
    } catch (error) {
      throw new Error(`FAVO_HOME: ${directory} cannot be made (${(error as Error).message}).`, {
        cause: error,
      })
    }
}
