import { sql, type Queryable } from '@favo/postgres'

/** A project to be made or deleted that was asked for in SQL. */
export interface ProjectRequestRow {
  readonly ref: string
  readonly kind: 'create' | 'delete'
  /** A bigint, as text. */
  readonly project_id: string
  readonly organization_id: string
  readonly name: string
  readonly attempts: number
}

/** For a minute nobody else takes them. After five attempts they stay as they are, with what went wrong. */
export const claimProjectRequests = (db: Queryable, limit: number) =>
  db.many<ProjectRequestRow>(sql`
    update control.project_requests
    set attempts = attempts + 1, claimed_until = now() + interval '1 minute'
    where (ref, kind) in (
      select ref, kind from control.project_requests
      where (claimed_until is null or claimed_until < now()) and attempts < 5
      order by created_at limit ${limit} for update skip locked
    )
    returning ref, kind, project_id::text as project_id, organization_id, name, attempts`)

export const deleteProjectRequest = (db: Queryable, ref: string, kind: 'create' | 'delete') =>
  db.run(sql`delete from control.project_requests where ref = ${ref} and kind = ${kind}`)

export const releaseProjectRequest = (
  db: Queryable,
  row: ProjectRequestRow,
  error: string,
  waitSeconds: number,
) =>
  db.run(sql`
    update control.project_requests
    set claimed_until = now() + make_interval(secs => ${waitSeconds}::int), error = ${error.slice(0, 500)}
    where ref = ${row.ref} and kind = ${row.kind}`)

/** What the views of the master database say of where things are. */
export const saveAddresses = (
  db: Queryable,
  addresses: { readonly projectUrl: string; readonly databaseHost: string; readonly databasePort: number },
) =>
  db.run(sql`
    insert into control.addresses (project_url, database_host, database_port)
    values (${addresses.projectUrl}, ${addresses.databaseHost}, ${addresses.databasePort})
    on conflict (only_one) do update set
      project_url = excluded.project_url, database_host = excluded.database_host, database_port = excluded.database_port`)
