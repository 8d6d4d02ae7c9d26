import { createHash } from 'node:crypto'
import { TenancyError } from './errors.ts'

export const maintenanceDatabase = 'postgres'
export const templateDatabase = 'favo_template'

/** Suffixes of the logins that the platform itself uses; their passwords are derived, never chosen. */
export const platformLogins = ['api', 'svc', 'own'] as const
export type PlatformLogin = (typeof platformLogins)[number] | 'ctl'

/**
 * Throws unless this is a name that a project database may have: `p_` and then letters or digits, no further underscore, so
 * that the roles of one database (`<name>_…`) can never be taken for those of another.
 */
export function checkDatabaseName(database: string): void {
  if (!/^p_[a-z0-9]{1,30}$/.test(database))
    throw new TenancyError('invalid_name', `not a name of a project database: ${JSON.stringify(database)}`)
}

export const loginName = (database: string, suffix: PlatformLogin | 'db'): string => `${database}_${suffix}`

/** What names of the logins begin with that are made for Supabase's CLI. */
export const cliLoginPrefix = 'cli_login_'

/**
 * The role of the cluster that a customer signs in as: `postgres` is the owner's login, `cli_login_…` one made for
 * Supabase's CLI, everything else a role of the customer's own (by the rule of `pg_favo.role_name`). The platform's own
 * logins have no such name.
 */
export function loginRoleOf(database: string, name: string): string {
  if (name === 'postgres') return loginName(database, 'db')
  if (/^cli_login_[0-9a-f]{16}$/.test(name)) return `${database}_cli${name.slice(cliLoginPrefix.length)}`
  return `${database}_r${createHash('sha256').update(name).digest('hex').slice(0, 12)}`
}

/**
 * The cluster of a database, or of a role that is named after one: the number at the end of the database's name. None is the
 * home cluster, 0. So whoever has a name knows where it is, without asking anybody.
 */
export function clusterNumberOf(name: string): number {
  const digits = /^p_[a-z]+([0-9]+)(?:_|$)/.exec(name)?.[1]
  return digits === undefined ? 0 : Number(digits)
}

/** The name of a database on a cluster. `stem` is `p_` and letters. */
export const databaseNameOn = (stem: string, cluster: number): string =>
  cluster === 0 ? stem : `${stem}${cluster}`
