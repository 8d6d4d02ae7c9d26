import type { Endpoint, Pools, ProjectDb } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import { TenancyError } from '../errors.ts'
import { clusterNumberOf } from '../names.ts'
import type { Tenancy } from '../tenancy.ts'
import type { VacuumOptions } from '../vacuum.ts'
import type { WatchdogOptions } from '../watchdog.ts'

/** A Postgres server and the superuser's way into it. */
export interface ClusterAccess {
  readonly endpoint: Endpoint
  readonly superuser: { readonly user: string; readonly password: string }
}

/** What works on one cluster. */
export interface ClusterParts {
  readonly tenancy: Tenancy
  readonly pools: Pools
  readonly endpoint: Endpoint
}

/**
 * All clusters of a platform behind the interfaces of one. The home cluster holds the platform project; others are brought in.
 * Where a database is, its name says (`clusterNumberOf`), so that nothing has to be looked up on the way of a request.
 */
export interface Clusters {
  readonly tenancy: Tenancy
  readonly pools: Pools
  /** Throws `unknown_cluster`. */
  endpointOf(database: string): Endpoint
  /** Throws `unknown_cluster`. */
  partsOf(number: number): ClusterParts
  /** From now on databases of that number are found there. Opens nothing by itself. Does nothing when it is known already. */
  put(number: number, access: ClusterAccess): ClusterParts
  remove(number: number): Promise<void>
  /** Of the clusters that were put; home is not ours to close. */
  close(): Promise<void>
}

export function createClusters({
  home,
  open,
  log,
}: {
  readonly home: ClusterParts
  readonly open: (access: ClusterAccess) => ClusterParts
  readonly log: Logger
}): Clusters {
  const others = new Map<number, ClusterParts>()
  const starters: ((parts: ClusterParts) => void)[] = []

  const partsOf = (number: number): ClusterParts => {
    const found = number === 0 ? home : others.get(number)
    if (found === undefined)
      throw new TenancyError('unknown_cluster', `there is no cluster of the number ${number}`)
    return found
  }
  const of = (name: string): ClusterParts => partsOf(clusterNumberOf(name))
  const all = (): ClusterParts[] => [home, ...others.values()]

  return {
    tenancy: routeTenancy({ home: home.tenancy, of, all, starters, log }),
    pools: routePools({ home: home.pools, of, all }),
    endpointOf: (database) => of(database).endpoint,
    partsOf,
    put: (number, access) => {
      const known = others.get(number)
      if (known !== undefined) return known
      const parts = open(access)
      others.set(number, parts)
      for (const start of starters) start(parts)
      return parts
    },
    remove: async (number) => {
      const parts = others.get(number)
      others.delete(number)
      if (parts !== undefined) await closeParts(parts)
    },
    close: async () => {
      await Promise.all([...others.values()].map(closeParts))
    },
  }
}

async function closeParts({ tenancy, pools }: ClusterParts): Promise<void> {
  await pools.close()
  await tenancy.close()
}

interface Routing {
  readonly of: (name: string) => ClusterParts
  readonly all: () => readonly ClusterParts[]
}

function routeTenancy({
  home,
  of,
  all,
  starters,
  log,
}: Routing & {
  readonly home: Tenancy
  readonly starters: ((parts: ClusterParts) => void)[]
  readonly log: Logger
}): Tenancy {
  const on = (database: string): Tenancy => of(database).tenancy
  return {
    get platformVersion() {
      return home.platformVersion
    },
    prepare: () => home.prepare(),
    createDatabase: async (input) => on(input.database).createDatabase(input),
    cloneDatabase: async (input) => on(input.database).cloneDatabase(input),
    dropDatabase: async (database) => on(database).dropDatabase(database),
    pauseDatabase: async (database) => on(database).pauseDatabase(database),
    resumeDatabase: async (database) => on(database).resumeDatabase(database),
    upgradeDatabase: async (database) => on(database).upgradeDatabase(database),
    repairDatabase: async (database) => on(database).repairDatabase(database),
    repairLogin: async (database, login) => on(database).repairLogin(database, login),
    setSettings: async (database, settings) => on(database).setSettings(database, settings),
    setOwnerPassword: async (database, password) => on(database).setOwnerPassword(database, password),
    findLogin: async (role) => on(role).findLogin(role),
    createCliLogin: async (input) => on(input.database).createCliLogin(input),
    dropCliLogins: async (database) => on(database).dropCliLogins(database),
    // One cluster that does not answer must not keep the others from their round.
    sweepCliLogins: async () => {
      const rounds = await Promise.allSettled(all().map(({ tenancy }) => tenancy.sweepCliLogins()))
      for (const round of rounds)
        if (round.status === 'rejected') log.warn({ error: round.reason as unknown }, 'expired logins stay')
    },
    ensureControlLogin: async (database) => on(database).ensureControlLogin(database),
    listDatabases: async () =>
      (await Promise.all(all().map(({ tenancy }) => tenancy.listDatabases()))).flat(),
    startWatchdog: (options?: WatchdogOptions) => {
      starters.push(({ tenancy }) => void tenancy.startWatchdog(options))
      for (const { tenancy } of all().slice(1)) tenancy.startWatchdog(options)
      return home.startWatchdog(options)
    },
    startVacuum: (options?: VacuumOptions) => {
      starters.push(({ tenancy }) => void tenancy.startVacuum(options))
      for (const { tenancy } of all().slice(1)) tenancy.startVacuum(options)
      return home.startVacuum(options)
    },
    close: () => home.close(),
  }
}

const routePools = ({ home, of, all }: Routing & { readonly home: Pools }): Pools => ({
  forDatabase: (database, apiMax): ProjectDb => of(database).pools.forDatabase(database, apiMax),
  closeDatabase: async (database) => of(database).pools.closeDatabase(database),
  holdDatabase: async (database) => of(database).pools.holdDatabase(database),
  stats: () => home.stats(),
  close: async () => {
    await Promise.all(all().map(({ pools }) => pools.close()))
  },
})
