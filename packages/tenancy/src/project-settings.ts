import { sql } from '@favo/postgres'
import type { Admin } from './admin.ts'
import { databaseLock, withLock } from './locks.ts'
import { loginSettings } from './logins.ts'
import { loginName } from './names.ts'
import { customerSettings } from './restore-settings.ts'

/** The logins that serve the customer; under the settings of `_svc` the platform's services parse values. */
const suffixes = ['db', 'own', 'api'] as const

/**
 * Settings with which new sessions of a project begin; null takes one back to the platform's default. Per login and
 * database, as customers' own SQL would do it (`pg_favo.db_setting`), never ALTER DATABASE: superuser sessions must not
 * start under them. Throws what Postgres says to a value that it does not understand.
 */
export async function setSettings(
  admin: Admin,
  database: string,
  settings: Readonly<Record<string, string | null>>,
): Promise<void> {
  const statements = Object.entries(settings).flatMap(([name, value]) => {
    if (!customerSettings.has(name) || name === 'search_path')
      throw new Error(`not a setting that a project may have: ${name}`)
    return suffixes.flatMap((suffix) => {
      const target = sql`alter role ${sql.ident(loginName(database, suffix))} in database ${sql.ident(database)}`
      if (value !== null) return [sql`${target} set ${sql.ident(name)} = ${sql.literal(value)}`]
      return [
        sql`${target} reset ${sql.ident(name)}`,
        ...loginSettings(database, suffix, (expected) => expected === name),
      ]
    })
  })
  if (statements.length === 0) return
  await admin.session((session) =>
    withLock(session, databaseLock(database), 'exclusive', () => session.run(sql.join(statements, '; '))),
  )
}
