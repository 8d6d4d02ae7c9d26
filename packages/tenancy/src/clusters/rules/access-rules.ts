import { sql } from '@favo/postgres'
import type { AdminSession } from '../../admin.ts'
import { judgeHba, type HbaLine } from './judge-hba.ts'
import { adoptable, failed, ok, warning, type Rule } from './rule.ts'

/** The lines to write; `ADDRESS` is the one that Favo connects from. */
export const wantedHba =
  'host all favo_admin ADDRESS scram-sha-256 / host samerole all ADDRESS scram-sha-256 (before any other line for all users)'

const readHba = async (session: AdminSession) =>
  judgeHba(
    await session.many<HbaLine>(sql`
      select line_number, type, database, user_name, auth_method, error from pg_hba_file_rules order by 1`),
  )

/** Who may sign in without a password, or where he has nothing to do. */
const hba: Rule = async (session) => {
  const { open, wide, letsProjectsIn, unreadable } = await readHba(session)
  if (unreadable.length > 0)
    return failed(
      'pg_hba',
      `Lines of pg_hba.conf cannot be read: ${unreadable.join(', ')}.`,
      'Mend them and reload the server.',
    )
  if (open.length > 0)
    return failed(
      'pg_hba',
      `Lines of pg_hba.conf let projects' logins or favo_admin in without a password that Postgres checks: ${open.join(', ')}.`,
      `Put scram-sha-256 in the place of the method, or replace the lines by: ${wantedHba}`,
    )
  if (!letsProjectsIn)
    return failed('pg_hba', "No line of pg_hba.conf lets projects' logins in.", `Add: ${wantedHba}`)
  if (wide.length > 0)
    return warning(
      'pg_hba',
      `Lines of pg_hba.conf lead projects' logins to any database: ${wide.join(', ')}. Only the databases' own privileges keep them out.`,
      `Replace the lines by: ${wantedHba}`,
    )
  return ok('pg_hba', "projects' logins reach the database of their project only")
}

const nameRows = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name).join(', ')

/** A database that PUBLIC may connect to is one that projects' logins may connect to. */
const doors: Rule = async (session) => {
  const rows = await session.many<{ name: string }>(sql`
    select datname as name from pg_database
    where datallowconn and has_database_privilege('public', oid, 'connect') order by 1`)
  const ours = rows.filter(({ name }) => ['postgres', 'template1'].includes(name))
  const foreign = rows.filter(({ name }) => !['postgres', 'template1', 'template0'].includes(name))
  if (foreign.length > 0 && (await readHba(session)).wide.length > 0)
    return failed(
      'databases',
      `Projects' logins could connect to databases of somebody else: ${nameRows(foreign)}.`,
      `revoke connect on database ${foreign[0]?.name ?? '…'} from public, or close pg_hba.conf`,
    )
  if (ours.length > 0)
    return adoptable('databases', `PUBLIC may connect to ${nameRows(ours)}; adopting revokes that.`)
  return foreign.length === 0
    ? ok('databases', 'no database is open to PUBLIC')
    : warning(
        'databases',
        `Databases are open to PUBLIC, and only pg_hba.conf keeps projects' logins out: ${nameRows(foreign)}.`,
        'revoke connect on database … from public',
      )
}

/** A server of another Favo would get a second watchdog, and its labels and template another version. */
const ownership: Rule = async (session, { platformId }) => {
  const [row] = await session.many<{ mark: string | null; projects: number }>(sql`
    select (
        select substr(entry, 15) from pg_db_role_setting, unnest(setconfig) entry
        where setrole = 0 and starts_with(entry, 'favo.platform=')
          and setdatabase = (select oid from pg_database where datname = 'postgres')
      ) as mark,
      (select count(*)::int from pg_database where datname ~ '^(p_[a-z0-9]+|favo_template)$') as projects`)
  if (platformId === null || row?.mark === platformId) return ok('ownership', 'belongs to this platform')
  if (row !== undefined && (row.mark !== null || row.projects > 0))
    return failed(
      'ownership',
      'The server holds projects of a Favo already.',
      'Add it to one platform only. What another one left behind has to be dropped first: databases p_… and favo_template.',
    )
  return adoptable('ownership', 'The server is not marked as this platform’s yet.')
}

export const accessRules: readonly Rule[] = [hba, doors, ownership]
