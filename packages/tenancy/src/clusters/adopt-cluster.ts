import { randomBytes } from 'node:crypto'
import { buildScramVerifier, sql } from '@favo/postgres'
import { TenancyError } from '../errors.ts'
import { maintenanceDatabase } from '../names.ts'
import { checkCluster, inMaintenance } from './check-cluster.ts'
import type { ClusterAccess } from './clusters.ts'
import type { Finding } from './rules/rule.ts'

const superuserName = 'favo_admin'

/**
 * Makes a server that somebody else set up one that projects can be put on: a superuser `favo_admin` of the platform's own, no
 * other power behind the name `postgres`, and a mark whose it is. Labels, closed doors and the template come with
 * `tenancy.prepare`. What stands in the way and is not the platform's to change is thrown as `not_adoptable`, with nothing
 * changed. Can be repeated.
 *
 * @returns the superuser's way in from now on
 */
export async function adoptCluster(access: ClusterAccess, platformId: string): Promise<ClusterAccess> {
  const obstacles = (await checkCluster(access, platformId)).filter(
    (finding) => finding.status === 'failed' && !finding.is_mended_by_adoption,
  )
  if (obstacles.length > 0) throw new TenancyError('not_adoptable', describeFailures(obstacles))

  const own = await makeSuperuser(access)
  await inMaintenance(own, async (session) => {
    const [taken] = await session.many(
      sql`select from pg_roles where rolname = 'postgres' and (rolsuper or rolcanlogin)`,
    )
    if (taken !== undefined) await session.run(sql`alter role postgres rename to postgres_before_favo`)
    await session.run(
      sql`alter database ${sql.ident(maintenanceDatabase)} set favo.platform = ${sql.literal(platformId)}`,
    )
  })
  return own
}

/** Whoever signs in as favo_admin already keeps the password that he has. */
async function makeSuperuser(access: ClusterAccess): Promise<ClusterAccess> {
  if (access.superuser.user === superuserName) return access
  const password = randomBytes(24).toString('hex')
  // A verifier: the server may write statements into its log.
  const verifier = sql.literal(await buildScramVerifier(password, 4096))
  await inMaintenance(access, async (session) => {
    const [found] = await session.many(sql`select from pg_roles where rolname = ${superuserName}`)
    const verb = found === undefined ? sql`create` : sql`alter`
    await session.run(
      sql`${verb} role ${sql.ident(superuserName)} superuser login nocreatedb bypassrls password ${verifier}`,
    )
  })
  const own = { endpoint: access.endpoint, superuser: { user: superuserName, password } }
  try {
    await inMaintenance(own, (session) => session.run(sql`select 1`))
  } catch (error) {
    throw new TenancyError(
      'not_adoptable',
      `favo_admin was made and cannot sign in: ${(error as Error).message}. pg_hba.conf has to let it in from here.`,
      { cause: error },
    )
  }
  return own
}

/** One sentence for each. */
export const describeFailures = (findings: readonly Finding[]): string =>
  findings.map(({ rule, message, mend }) => `${rule}: ${message}${mend === null ? '' : ` ${mend}`}`).join(' ')
