import { fileURLToPath } from 'node:url'

export { createTenancy, type Tenancy, type TenancyOptions } from './tenancy.ts'
export type { CloneDatabaseInput, CloneStep } from './clone-database.ts'
export type { CreateDatabaseInput, CreationStep } from './create-database.ts'
export type { CliLogin, CliLoginInput } from './cli-logins.ts'
export type { FoundLogin } from './find-login.ts'
export { adoptCluster, describeFailures } from './clusters/adopt-cluster.ts'
export { checkCluster, inMaintenance } from './clusters/check-cluster.ts'
export { createClusters, type ClusterAccess, type ClusterParts, type Clusters } from './clusters/clusters.ts'
export { probeIsolation } from './clusters/probe-isolation.ts'
export type { Finding } from './clusters/rules/rule.ts'
export { clusterNumberOf, databaseNameOn, loginRoleOf } from './names.ts'
export type { DatabaseListing } from './list-databases.ts'
export type { ComponentMigrations } from './migrations.ts'
export type { UpgradeResult } from './upgrade-database.ts'
export type { Vacuum, VacuumOptions } from './vacuum.ts'
export type {
  EndedSession,
  TransactionUse,
  Watchdog,
  WatchdogOptions,
  WatchdogThresholds,
} from './watchdog.ts'
export { TenancyError } from './errors.ts'

/** Control files that replace or join those of the Postgres distribution; packages/cluster lays them over its copy. */
export const extensionsDirectory: string = fileURLToPath(new URL('../extensions', import.meta.url))
