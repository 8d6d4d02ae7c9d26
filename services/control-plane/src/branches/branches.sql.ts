import { sql, type Queryable } from '@favo/postgres'
import type { ProjectStatus } from '@favo/projects'
import { isoTime } from '../iso-time.ts'

export interface BranchRow {
  readonly id: string
  readonly ref: string
  readonly parent_ref: string
  readonly name: string
  readonly is_default: boolean
  readonly git_branch: string | null
  readonly is_persistent: boolean
  readonly with_data: boolean
  readonly status: BranchStatus
  readonly error: string | null
  readonly notify_url: string | null
  readonly review_requested_at: string | null
  readonly expires_at: string | null
  readonly reset_database: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly project_status: ProjectStatus
}

export type BranchStatus =
  | 'CREATING_PROJECT'
  | 'RUNNING_MIGRATIONS'
  | 'MIGRATIONS_PASSED'
  | 'MIGRATIONS_FAILED'
  | 'FUNCTIONS_DEPLOYED'
  | 'FUNCTIONS_FAILED'

const selectBranches = sql`
  select b.id, b.ref, b.parent_ref, b.name, b.is_default, b.git_branch, b.is_persistent, b.with_data, b.status, b.error,
    b.notify_url, ${isoTime('b', 'review_requested_at')} as review_requested_at,
    ${isoTime('b', 'expires_at')} as expires_at, b.reset_database, ${isoTime('b', 'created_at')} as created_at,
    ${isoTime('b', 'updated_at')} as updated_at, p.status as project_status
  from control.branches b join control.projects p on p.ref = b.ref`

/** The default branch first. */
export const listBranches = (db: Queryable, parentRef: string) =>
  db.many<BranchRow>(sql`
    ${selectBranches} where b.parent_ref = ${parentRef} order by b.is_default desc, b.created_at, b.name`)

export const findBranch = (db: Queryable, ref: string) =>
  db.maybeOne<BranchRow>(sql`${selectBranches} where b.ref = ${ref}`)

export const findBranchByName = (db: Queryable, parentRef: string, name: string) =>
  db.maybeOne<BranchRow>(sql`${selectBranches} where b.parent_ref = ${parentRef} and b.name = ${name}`)

/** The ref of a branch that is named by its id or its ref; null when there is none. */
export async function findBranchRef(db: Queryable, idOrRef: string): Promise<string | null> {
  const row = await db.maybeOne<{ ref: string }>(
    sql`select ref from control.branches where id::text = ${idOrRef.toLowerCase()} or ref = ${idOrRef}`,
  )
  return row?.ref ?? null
}

/** Branches of a project, itself not among them. */
export const listBranchRefs = async (db: Queryable, parentRef: string): Promise<string[]> =>
  (
    await db.many<{ ref: string }>(sql`
      select ref from control.branches where parent_ref = ${parentRef} and not is_default order by created_at`)
  ).map(({ ref }) => ref)

/** The first branch of a project makes the project itself its default branch. */
export const ensureDefaultBranch = (db: Queryable, parentRef: string) =>
  db.run(sql`
    insert into control.branches (ref, parent_ref, name, is_default, is_persistent, status)
    values (${parentRef}, ${parentRef}, 'main', true, true, 'FUNCTIONS_DEPLOYED')
    on conflict (ref) do nothing`)

export interface NewBranch {
  readonly ref: string
  readonly parentRef: string
  readonly name: string
  readonly gitBranch: string | null
  readonly isPersistent: boolean
  readonly withData: boolean
  readonly notifyUrl: string | null
  readonly expiresInHours: number | null
}

export const insertBranch = (db: Queryable, branch: NewBranch) =>
  db.run(sql`
    insert into control.branches (ref, parent_ref, name, git_branch, is_persistent, with_data, notify_url, expires_at)
    values (
      ${branch.ref}, ${branch.parentRef}, ${branch.name}, ${branch.gitBranch}, ${branch.isPersistent},
      ${branch.withData}, ${branch.notifyUrl}, now() + make_interval(secs => ${branch.expiresInHours}::float8 * 3600)
    )`)

/**
 * What a branch takes over from its parent. Of the auth settings only those that work alone: providers, hooks, mail servers
 * and the like have secrets, which belong to the parent.
 */
export const copySettings = (db: Queryable, ref: string, parentRef: string) =>
  db.run(sql`
    update control.project_settings s set rest = p.rest, postgres = p.postgres, requires_tls = p.requires_tls, auth = (
      select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(p.auth)
      where jsonb_typeof(value) in ('boolean', 'number', 'array', 'null')
        or (jsonb_typeof(value) = 'string' and key in ('siteUrl', 'passwordRequiredCharacters'))
    ) - '{captchaEnabled,samlEnabled}'::text[]
    from control.project_settings p where s.ref = ${ref} and p.ref = ${parentRef}`)

export const setBranchStatus = (
  db: Queryable,
  ref: string,
  status: BranchStatus,
  error: string | null = null,
) => db.run(sql`update control.branches set status = ${status}, error = ${error} where ref = ${ref}`)

export interface BranchPatch {
  readonly name: string | undefined
  readonly gitBranch: string | undefined
  readonly isPersistent: boolean | undefined
  readonly resetsOnPush: boolean | undefined
  readonly isReviewRequested: boolean | undefined
  readonly notifyUrl: string | undefined
  /** Null takes the time away. */
  readonly expiresInHours: number | null | undefined
}

/** What is undefined stays. */
export const updateBranch = (db: Queryable, ref: string, patch: BranchPatch) =>
  db.run(sql`
    update control.branches set
      name = coalesce(${patch.name ?? null}, name),
      git_branch = coalesce(${patch.gitBranch ?? null}, git_branch),
      is_persistent = coalesce(${patch.isPersistent ?? null}::boolean, is_persistent),
      resets_on_push = coalesce(${patch.resetsOnPush ?? null}::boolean, resets_on_push),
      review_requested_at = case when ${patch.isReviewRequested === true}::boolean then now() else review_requested_at end,
      notify_url = coalesce(${patch.notifyUrl ?? null}, notify_url),
      expires_at = case when ${patch.expiresInHours === undefined}::boolean then expires_at
        else now() + make_interval(secs => ${patch.expiresInHours ?? null}::float8 * 3600) end
    where ref = ${ref}`)

/** Whose time is over. */
export const listExpiredBranchRefs = async (db: Queryable, now: Date): Promise<string[]> =>
  (
    await db.many<{ ref: string }>(sql`
      select b.ref from control.branches b join control.projects p on p.ref = b.ref
      where b.expires_at <= ${now} and not b.is_default and p.status in ('ACTIVE_HEALTHY', 'INACTIVE', 'INIT_FAILED')
      order by b.expires_at limit 100`)
  ).map(({ ref }) => ref)
