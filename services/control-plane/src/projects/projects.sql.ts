import { sql, type Queryable } from '@favo/postgres'
import type { ProjectStatus } from '@favo/projects'
import { isoTime } from '../iso-time.ts'

export interface ProjectRow {
  readonly ref: string
  /** A bigint, as text. */
  readonly id: string
  readonly organization_id: string
  readonly name: string
  readonly subdomain: string
  readonly database: string
  readonly region: string
  readonly status: ProjectStatus
  readonly step: string | null
  readonly error: string | null
  readonly instance: number | null
  readonly has_vanity_subdomain: boolean
  /** When a deleted project's database is dropped; null for those in use, and for deletions without grace. */
  readonly purge_at: string | null
  /** ISO 8601, UTC. */
  readonly created_at: string
  /** Seconds since 1970, for the legacy keys. */
  readonly created_epoch: number
}

export interface NewProject {
  readonly ref: string
  /** The number that was promised; the next one unless given. */
  readonly id?: string
  readonly organizationId: string
  readonly name: string
  readonly subdomain: string
  readonly database: string
  readonly region: string
  readonly instance: number
  readonly jwtSecretSealed: string
  readonly keys: readonly NewApiKey[]
}

export interface NewApiKey {
  readonly type: 'publishable' | 'secret'
  readonly name: string
  readonly prefix: string
  readonly hash: string
  readonly sealed: string
}

export const projectColumns = sql`
  ref, id::text as id, organization_id, name, subdomain, database, region, status, step, error, instance,
  has_vanity_subdomain, ${isoTime('purge_at')} as purge_at,
  ${isoTime('created_at')} as created_at, extract(epoch from created_at)::int as created_epoch`

/**
 * A user's, or (null) all of them, in order of creation; those that failed are among them until they are deleted. The
 * platform project is none that one works with.
 */
export const listProjectRows = (db: Queryable, userId: string | null) =>
  db.many<ProjectRow>(sql`
    select ${projectColumns} from control.projects p
    where not is_platform and status <> 'REMOVED' and (
      ${userId}::uuid is null
      or exists (
        select from control.organization_members m
        where m.organization_id = p.organization_id and m.user_id = ${userId}::uuid
      )
    )
    order by p.id`)

export const findProjectRow = (db: Queryable, ref: string) =>
  db.maybeOne<ProjectRow>(sql`select ${projectColumns} from control.projects where ref = ${ref}`)

/**
 * Claims ref and subdomain; the constraints decide, so of rivals one wins. A project of that ref that never came up gives way.
 */
export async function insertProject(tx: Queryable, project: NewProject): Promise<ProjectRow> {
  await tx.run(sql`delete from control.projects where ref = ${project.ref} and status = 'INIT_FAILED'`)
  const row = await tx.one<ProjectRow>(sql`
    insert into control.projects (
      id, ref, organization_id, name, subdomain, database, region, status, step, instance
    )
    overriding system value
    values (
      coalesce(${project.id ?? null}::bigint, nextval(pg_get_serial_sequence('control.projects', 'id'))),
      ${project.ref}, ${project.organizationId}, ${project.name}, ${project.subdomain}, ${project.database},
      ${project.region}, 'COMING_UP', 'reserve', ${project.instance}
    )
    returning ${projectColumns}`)
  await tx.run(sql`
    insert into control.project_secrets (ref, jwt_secret) values (${project.ref}, ${project.jwtSecretSealed})`)
  await tx.run(sql`insert into control.project_settings (ref) values (${project.ref})`)
  await tx.run(sql`delete from control.project_requests where ref = ${project.ref} and kind = 'create'`)
  for (const key of project.keys)
    await tx.run(sql`
      insert into control.api_keys (ref, type, name, prefix, hash, sealed)
      values (${project.ref}, ${key.type}, ${key.name}, ${key.prefix}, ${key.hash}, ${key.sealed})`)
  return row
}

/** A deletion; `graceSeconds` of zero: for good. Null as in `startChange`. */
export const startDeletion = (
  db: Queryable,
  change: {
    readonly ref: string
    readonly from: readonly ProjectStatus[]
    readonly instance: number
    readonly graceSeconds: number
    readonly audit: string | null
  },
) =>
  db.maybeOne<ProjectRow>(sql`
    update control.projects set status = 'GOING_DOWN', instance = ${change.instance}, step = null, error = null,
      change_audit = ${change.audit}::jsonb, purge_at = case when ${change.graceSeconds}::float8 > 0
        then now() + make_interval(secs => ${change.graceSeconds}::float8) end
    where ref = ${change.ref} and status = any (${change.from}::text[])
    returning ${projectColumns}`)

/** Makes a removed project one of the living again. Its subdomain may have got another owner meanwhile: then it violates that key. */
export const startRestoration = (
  db: Queryable,
  change: {
    readonly ref: string
    readonly subdomain: string
    readonly instance: number
    readonly audit: string | null
  },
) =>
  db.maybeOne<ProjectRow>(sql`
    update control.projects set status = 'RESTORING', instance = ${change.instance}, subdomain = ${change.subdomain},
      step = null, error = null, purge_at = null, change_audit = ${change.audit}::jsonb
    where ref = ${change.ref} and status = 'REMOVED'
    returning ${projectColumns}`)

/** Null when the project is not in any of the given states (any more): then somebody else was quicker. */
export const startChange = (
  db: Queryable,
  change: {
    readonly ref: string
    readonly from: readonly ProjectStatus[]
    readonly to: ProjectStatus
    readonly instance: number
    /** What `Audit.carry` gave. */
    readonly audit: string | null
  },
) =>
  db.maybeOne<ProjectRow>(sql`
    update control.projects set status = ${change.to}, instance = ${change.instance}, step = null, error = null,
      change_audit = ${change.audit}::jsonb
    where ref = ${change.ref} and status in (${sql.join(
      change.from.map((status) => sql`${status}`),
      ', ',
    )})
    returning ${projectColumns}`)

/** Where a change stands now: the row is still this process's to finish. Everything that ends a change asks for it. */
const stillOurs = (row: ProjectRow) =>
  sql`id = ${row.id}::bigint and status = ${row.status} and instance = ${row.instance}`

export const setStep = (db: Queryable, row: ProjectRow, step: string) =>
  db.run(sql`update control.projects set step = ${step} where ${stillOurs(row)}`)

export const setError = (db: Queryable, row: ProjectRow, error: string) =>
  db.run(sql`update control.projects set error = ${error} where ${stillOurs(row)}`)

/** False when another process took the change over. */
export const finishChange = async (
  db: Queryable,
  row: ProjectRow,
  to: ProjectStatus,
  error: string | null = null,
): Promise<boolean> =>
  (await db.run(sql`
    update control.projects set status = ${to}, step = null, error = ${error}, instance = null
    where ${stillOurs(row)}`)) === 1

export const deleteChangedProject = async (db: Queryable, row: ProjectRow): Promise<boolean> =>
  (await db.run(sql`delete from control.projects where ${stillOurs(row)}`)) === 1

/** Removed projects whose time is over. */
export const listPurgeableRows = (db: Queryable, now: Date) =>
  db.many<ProjectRow>(sql`
    select ${projectColumns} from control.projects
    where status = 'REMOVED' and purge_at <= ${now} order by purge_at limit 100`)

export const listRemovedRows = (db: Queryable, userId: string | null) =>
  db.many<ProjectRow>(sql`
    select ${projectColumns} from control.projects p
    where status = 'REMOVED' and (
      ${userId}::uuid is null
      or exists (
        select from control.organization_members m
        where m.organization_id = p.organization_id and m.user_id = ${userId}::uuid
      )
    )
    order by purge_at`)

export interface ProjectPatch {
  readonly name?: string | undefined
  readonly subdomain?: string | undefined
  readonly hasVanitySubdomain?: boolean | undefined
}

/** What is undefined stays. Violates the subdomain's constraints when that is taken or reserved. */
export const updateProject = (db: Queryable, ref: string, patch: ProjectPatch) =>
  db.maybeOne<ProjectRow>(sql`
    update control.projects set
      name = coalesce(${patch.name ?? null}, name),
      subdomain = coalesce(${patch.subdomain ?? null}, subdomain),
      has_vanity_subdomain = coalesce(${patch.hasVanitySubdomain ?? null}::boolean, has_vanity_subdomain)
    where ref = ${ref} and status not in ('GOING_DOWN', 'REMOVED')
    returning ${projectColumns}`)

export interface HistoryEntry {
  readonly at: string
  readonly status: ProjectStatus
  readonly step: string | null
  readonly error: string | null
}

/** What became of a project, newest first. */
export const listHistory = (db: Queryable, ref: string, limit: number) =>
  db.many<HistoryEntry>(sql`
    select ${isoTime('at')} as at, status, step, error from control.project_history
    where ref = ${ref} order by id desc limit ${limit}`)

/** Of a change that is underway: what is written when it ends well. */
export const setChangeAudit = (tx: Queryable, ref: string, audit: string) =>
  tx.run(sql`update control.projects set change_audit = ${audit}::jsonb where ref = ${ref}`)

/** A failed project has no change underway, so nothing but its status is asked. */
export const deleteFailedProject = async (db: Queryable, row: ProjectRow): Promise<boolean> =>
  (await db.run(
    sql`delete from control.projects where id = ${row.id}::bigint and status = 'INIT_FAILED'`,
  )) === 1

/** `idle_seconds` is the time since the row was last touched. */
export const listChangingRows = (db: Queryable) =>
  db.many<ProjectRow & { readonly idle_seconds: number }>(sql`
    select ${projectColumns}, extract(epoch from now() - updated_at)::int as idle_seconds
    from control.projects p where instance is not null order by p.id`)

/** Takes a change over from a process that is gone. Null when it ended or another one took it. */
export const takeOverChange = (db: Queryable, row: ProjectRow, instance: number) =>
  db.maybeOne<ProjectRow>(sql`
    update control.projects set instance = ${instance} where ${stillOurs(row)} returning ${projectColumns}`)
