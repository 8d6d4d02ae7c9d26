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
