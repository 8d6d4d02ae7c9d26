import { sql, type Queryable } from '@favo/postgres'

export interface OutboxRow {
  readonly id: string
  readonly kind: 'invitation'
  readonly sealed: string
  readonly attempts: number
}

export const insertOutboxRow = (tx: Queryable, row: Pick<OutboxRow, 'id' | 'kind' | 'sealed'>) =>
  tx.run(
    sql`insert into control.outbox (id, kind, sealed) values (${row.id}::uuid, ${row.kind}, ${row.sealed})`,
  )

/**
 * Takes what is due, for a minute: another process leaves it alone meanwhile, and takes it when this one dies over it.
 */
export const takeDueRows = (db: Queryable, limit: number) =>
  db.many<OutboxRow>(sql`
    update control.outbox set attempts = attempts + 1, next_attempt_at = now() + interval '1 minute'
    where id in (
      select id from control.outbox where next_attempt_at <= now()
      order by next_attempt_at limit ${limit} for update skip locked
    )
    returning id::text as id, kind, sealed, attempts`)

export const deleteOutboxRow = (db: Queryable, id: string) =>
  db.run(sql`delete from control.outbox where id = ${id}::uuid`)

export const postponeOutboxRow = (db: Queryable, id: string, seconds: number, error: string) =>
  db.run(sql`
    update control.outbox
    set next_attempt_at = now() + make_interval(secs => ${seconds}::int), last_error = ${error.slice(0, 500)}
    where id = ${id}::uuid`)
