/** A line of `pg_hba.conf` as `pg_hba_file_rules` shows it. */
export interface HbaLine {
  readonly line_number: number
  /** `local`, `host`, `hostssl`, … */
  readonly type: string | null
  readonly database: readonly string[] | null
  readonly user_name: readonly string[] | null
  readonly auth_method: string | null
  readonly error: string | null
}

export interface HbaVerdict {
  /** Lines that let somebody in without a password that Postgres checked. */
  readonly open: readonly number[]
  /** Lines that lead projects' logins to databases that are not theirs, if these let them in. */
  readonly wide: readonly number[]
  /** Whether any line lets a project's logins into their own database. */
  readonly letsProjectsIn: boolean
  readonly unreadable: readonly number[]
}

/** Refuse, or ask the system who a local process belongs to: no project's login is the name of a system's user. */
const harmlessMethods = new Set(['reject', 'peer', 'ident'])
const checkedMethods = new Set(['scram-sha-256', 'md5'])

/**
 * What the lines mean for logins whose names begin with `p_` and for the superuser. Postgres takes the first line that fits;
 * addresses are left aside, so a line counts wherever it stands.
 */
export function judgeHba(lines: readonly HbaLine[]): HbaVerdict {
  const open: number[] = []
  const wide: number[] = []
  const unreadable: number[] = []
  let letsProjectsIn = false
  for (const line of lines) {
    if (line.error !== null) {
      unreadable.push(line.line_number)
      continue
    }
    const users = line.user_name ?? []
    const method = line.auth_method ?? ''
    const isForProjects = users.some((user) => user === 'all' || /^[+/]|^p_/.test(user))
    if (!isForProjects && !users.includes('favo_admin')) continue
    // The pseudo-database of physical replication, which no project's login may do; and databases named like a login: none.
    const databases = (line.database ?? []).filter((name) => name !== 'replication' && name !== 'sameuser')
    if (databases.length === 0 || harmlessMethods.has(method)) continue
    if (!checkedMethods.has(method)) open.push(line.line_number)
    if (!isForProjects) continue
    letsProjectsIn = true
    if (databases.some((name) => name !== 'samerole' && name !== 'samegroup')) wide.push(line.line_number)
  }
  return { open, wide, letsProjectsIn, unreadable }
}
