import { sql, type Endpoint } from '@favo/postgres'
import { withSession } from '../admin.ts'
import { sqlState } from '../errors.ts'
import { databaseNameOn, loginName, maintenanceDatabase, templateDatabase } from '../names.ts'
import type { PasswordFor } from '../logins.ts'
import type { Tenancy } from '../tenancy.ts'
import { inMaintenance } from './check-cluster.ts'
import type { ClusterAccess } from './clusters.ts'
import { failed, ok, type Finding } from './rules/rule.ts'

const RULE = 'isolation'

/**
 * Tries what the rules only read: makes a project's database, signs in as its login, and wants into every other database,
 * and into its own with a wrong password. Leaves nothing behind.
 */
export async function probeIsolation(
  { access, tenancy, passwordFor }: { access: ClusterAccess; tenancy: Tenancy; passwordFor: PasswordFor },
  cluster: number,
): Promise<Finding> {
  const database = databaseNameOn('p_probe', cluster)
  // What a probe that was killed left.
  await tenancy.dropDatabase(database)
  try {
    await tenancy.createDatabase({ database, ownerPassword: await passwordFor(database, 'own') })
    const password = await passwordFor(database, 'api')
    const others = await inMaintenance(access, (session) =>
      session.many<{ name: string }>(
        sql`select datname as name from pg_database where datallowconn and datname <> ${database} order by 1 limit 50`,
      ),
    )
    const enter = (target: string, secret: string) =>
      trySignIn(access.endpoint, loginName(database, 'api'), target, secret)

    const own = await enter(database, password)
    if (own !== null)
      return failed(
        RULE,
        `A project's login cannot sign in to its own database: ${own}.`,
        'See pg_hba.conf: it has to let logins that are members of the role named like the database (samerole) in.',
      )
    if ((await enter(database, `${password}x`)) === null)
      return failed(
        RULE,
        "A wrong password opens a project's database.",
        'Put scram-sha-256 into pg_hba.conf.',
      )
    for (const name of [maintenanceDatabase, templateDatabase, ...others.map((row) => row.name)])
      if ((await enter(name, password)) === null)
        return failed(
          RULE,
          `A project's login got into the database ${name}.`,
          `revoke connect on database ${name} from public`,
        )
    return ok(RULE, `a project's login gets into its own database and into none of ${others.length} others`)
  } finally {
    await tenancy.dropDatabase(database)
  }
}

/** Null: got in. Refusals of Postgres are expected; everything else is thrown. */
async function trySignIn(
  endpoint: Endpoint,
  user: string,
  database: string,
  password: string,
): Promise<string | null> {
  try {
    await withSession({ ...endpoint, user, password, database, options: '' }, async () => undefined)
    return null
  } catch (error) {
    if (sqlState(error) === null) throw error
    return (error as Error).message
  }
}
