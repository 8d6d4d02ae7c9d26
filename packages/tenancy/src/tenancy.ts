import type { Logger } from '@favo/runtime'
import { createAdmin, type AdminOptions } from './admin.ts'
import {
  createCliLogin,
  dropCliLogins,
  listDatabasesWithExpiredLogins,
  type CliLogin,
  type CliLoginInput,
} from './cli-logins.ts'
import { setUpCluster } from './cluster-setup.ts'
import { cloneDatabase, type CloneDatabaseInput } from './clone-database.ts'
import { ensureControlLogin } from './control-login.ts'
import { createDatabase, type CreateDatabaseInput } from './create-database.ts'
import { dropDatabase } from './drop-database.ts'
import { sqlState } from './errors.ts'
import { findLogin, type FoundLogin } from './find-login.ts'
import { listDatabases, type DatabaseListing } from './list-databases.ts'
import { ownerVerifier, platformVerifier, setPassword, type PasswordFor } from './logins.ts'
import { readMigrations, type ComponentMigrations, type MigrationSet } from './migrations.ts'
import { checkDatabaseName } from './names.ts'
import { pauseDatabase, resumeDatabase } from './pause-database.ts'
import { setSettings } from './project-settings.ts'
import { prepareTemplate } from './template.ts'
import { restoreOwners, upgradeDatabase, type UpgradeResult } from './upgrade-database.ts'
import { startVacuum, type Vacuum, type VacuumOptions } from './vacuum.ts'
import { startWatchdog, type Watchdog, type WatchdogOptions } from './watchdog.ts'

export interface TenancyOptions {
  readonly admin: AdminOptions
  /** SQL of the services, in the order of application. */
  readonly migrations: readonly ComponentMigrations[]
  /** Passwords of the platform's own logins; derived, so that none is stored. */
  readonly passwordFor: PasswordFor
  readonly log: Logger
}

/** Everything that happens to databases and roles of one cluster. Names of databases are `p_` and letters or digits. */
export interface Tenancy {
  /**
   * Changes when any SQL file of the platform or its services changes; databases remember with which version they were
   * brought up to date. Empty before `prepare`.
   */
  readonly platformVersion: string
  /** Labels, and the template at the current version. Idempotent, safe against rivals, quick when there is nothing to do. */
  prepare(): Promise<void>
  /** See `createDatabase` in create-database.ts. A missing template is rebuilt. */
  createDatabase(input: CreateDatabaseInput): Promise<void>
  /** See `cloneDatabase` in clone-database.ts: another database's data under roles of its own. */
  cloneDatabase(input: CloneDatabaseInput): Promise<void>
  /** Idempotent. Ends all sessions. */
  dropDatabase(database: string): Promise<void>
  /** The project's logins are refused (53300) and their sessions ended; the superuser still gets in. */
  pauseDatabase(database: string): Promise<void>
  resumeDatabase(database: string): Promise<void>
  /** Applies the files that this database has not seen. Fails with `paused` when it would have to sign in to a paused one. */
  upgradeDatabase(database: string): Promise<UpgradeResult>
  /**
   * Gives tables of the platform that a customer took (`reassign owned`) back to the services; returns how many objects that
   * were. For a project whose services report "permission denied" on tables of their own.
   */
  repairDatabase(database: string): Promise<number>
  /** Sets a platform login's password again: after a rotation of the master key, or when the login changed it itself. */
  repairLogin(database: string, login: 'api' | 'svc' | 'own' | 'ctl'): Promise<void>
  /** See `setSettings` in project-settings.ts. Sessions that are open keep what they began with. */
  setSettings(database: string, settings: Readonly<Record<string, string | null>>): Promise<void>
  /** Changes the customer's password; running sessions stay. */
  setOwnerPassword(database: string, password: string): Promise<void>
  /** What Postgres holds of a role that may sign in with a password, at this moment; null when there is none of that name. */
  findLogin(role: string): Promise<FoundLogin | null>
  /** A login for Supabase's CLI that expires. */
  createCliLogin(input: CliLoginInput): Promise<CliLogin>
  /** Removes all of a database's, and ends their sessions; returns how many that were. */
  dropCliLogins(database: string): Promise<number>
  /** Removes those of all databases that have expired and are not used any more. */
  sweepCliLogins(): Promise<void>
  /** For the platform project: the login `<database>_ctl` and the schema `control` that it owns. Idempotent. */
  ensureControlLogin(database: string): Promise<void>
  listDatabases(): Promise<readonly DatabaseListing[]>
  /** Ends what Postgres itself cannot limit, every `intervalMs` (default 5,000). */
  startWatchdog(options?: WatchdogOptions): Watchdog
  /** Vacuums and analyzes what was written to, since autovacuum comes by rarely here. Default: every minute. */
  startVacuum(options?: VacuumOptions): Vacuum
  /** Stops watchdog and vacuum and closes all sessions. */
  close(): Promise<void>
}

/** Enough for bursts of creations; Postgres works on them one after the other anyway. */
const sessionsMax = 6

const loginSessionsMax = 2

export function createTenancy(options: TenancyOptions): Tenancy {
  const { passwordFor, log } = options
  const admin = createAdmin(options.admin, sessionsMax)
  // Of its own: the watchdog has to get through just when all other sessions wait for a lock that a tenant holds.
  const guardAdmin = createAdmin(options.admin, 1)
  // Sign-ins must not wait behind creations of databases.
  const loginAdmin = createAdmin(options.admin, loginSessionsMax)
  const stoppers: (() => Promise<void>)[] = []
  let loaded: Promise<MigrationSet> | null = null
  let platformVersion = ''
  const migrations = () => (loaded ??= readMigrations(options.migrations))

  let closing: Promise<void> | null = null
  const closeAll = async () => {
    await Promise.all(stoppers.map((stop) => stop()))
    await Promise.all([admin.close(), guardAdmin.close(), loginAdmin.close()])
  }

  const prepare = async () => {
    const set = await migrations()
    platformVersion = set.version
    await setUpCluster(admin, set)
    await prepareTemplate(admin, set)
  }

  return {
    get platformVersion() {
      return platformVersion
    },
    prepare,
    createDatabase: async (input) => {
      checkDatabaseName(input.database)
      try {
        await createDatabase(admin, passwordFor, input)
      } catch (error) {
        // No such template (3D000) or no such label (42704): somebody dropped it, or the cluster was never prepared.
        if (!['3D000', '42704'].includes(sqlState(error) ?? '')) throw error
        log.warn('the template database or a label is missing; preparing the cluster')
        await prepare()
        await createDatabase(admin, passwordFor, input)
      }
    },
    cloneDatabase: async (input) => {
      checkDatabaseName(input.database)
      checkDatabaseName(input.source)
      await cloneDatabase(admin, passwordFor, input)
    },
    dropDatabase: async (database) => {
      checkDatabaseName(database)
      await dropDatabase(admin, database)
    },
    pauseDatabase: async (database) => {
      checkDatabaseName(database)
      await pauseDatabase(admin, database)
    },
    resumeDatabase: async (database) => {
      checkDatabaseName(database)
      await resumeDatabase(admin, database)
    },
    upgradeDatabase: async (database) => {
      checkDatabaseName(database)
      const context = { admin, endpoint: options.admin.endpoint, passwordFor }
      return upgradeDatabase(context, await migrations(), database)
    },
    repairDatabase: async (database) => {
      checkDatabaseName(database)
      return admin.inDatabase(database, restoreOwners)
    },
    repairLogin: async (database, login) => {
      checkDatabaseName(database)
      const verifier = await platformVerifier(passwordFor, database, login)
      await admin.session((session) => session.run(setPassword(database, login, verifier)))
    },
    setSettings: async (database, settings) => {
      checkDatabaseName(database)
      await setSettings(admin, database, settings)
    },
    setOwnerPassword: async (database, password) => {
      checkDatabaseName(database)
      const verifier = await ownerVerifier(password)
      await admin.session((session) => session.run(setPassword(database, 'db', verifier)))
    },
    findLogin: (role) => findLogin(loginAdmin, role),
    createCliLogin: async (input) => {
      checkDatabaseName(input.database)
      return createCliLogin(admin, input)
    },
    dropCliLogins: async (database) => {
      checkDatabaseName(database)
      return dropCliLogins(admin, database, 'all')
    },
    sweepCliLogins: async () => {
      for (const database of await listDatabasesWithExpiredLogins(admin))
        await dropCliLogins(admin, database, 'expired')
    },
    ensureControlLogin: async (database) => {
      checkDatabaseName(database)
      await ensureControlLogin(admin, passwordFor, database)
    },
    listDatabases: () => listDatabases(admin),
    startWatchdog: (watchdogOptions) => {
      const watchdog = startWatchdog(guardAdmin, log, watchdogOptions)
      stoppers.push(() => watchdog.stop())
      return watchdog
    },
    startVacuum: (vacuumOptions) => {
      const vacuum = startVacuum(admin, log, vacuumOptions)
      stoppers.push(() => vacuum.stop())
      return vacuum
    },
    close: () => (closing ??= closeAll()),
  }
}
