import { sql, type Queryable, type Sql } from '@favo/postgres'

/** Of HTML and of text each; nobody's mail is longer, and what a project writes into the table itself must not fill memory. */
const PART_BYTES_MAX = 2_097_152

export interface WaitingMail {
  readonly id: string
  readonly kind: string
  readonly recipient: string
  readonly subject: string
  /** Null when it is too long. */
  readonly html: string | null
  readonly text: string | null
  readonly message_id: string
  readonly created_at: string
  /** This one included. */
  readonly tries: number
  readonly hook_input: object | null
  /** Of messages to phones; as it stands there. */
  readonly sms: unknown
}

const part = (column: Sql) =>
  sql`case when octet_length(${column}) <= ${PART_BYTES_MAX}::int then ${column} end`
const later = (seconds: number) => sql`now() + make_interval(secs => ${seconds})`

/**
 * Takes mails that are due, the oldest first. They are put off meanwhile, so that no other process takes them too; if this one
 * dies they are due again after that time.
 */
export const claimMails = (db: Queryable, count: number, claimSeconds: number) =>
  db.many<WaitingMail>(sql`
    with due as (
      select id from auth.favo_mails
      where state = 'waiting' and due_at <= now()
      order by id
      limit ${count}
      for update skip locked
    ), claimed as (
      update auth.favo_mails m
      set due_at = ${later(claimSeconds)}, tries = m.tries + 1
      from due
      where m.id = due.id
      returning m.*
    )
    select id::text as id, kind, recipient, subject, ${part(sql`html`)} as html, ${part(sql`text`)} as text,
      message_id::text as message_id, created_at::text as created_at, tries, hook_input, sms
    from claimed
    order by claimed.id
  `)

const these = (ids: readonly string[]) => sql`id = any(${ids}::bigint[]) and state = 'waiting'`

/** Keeps the claim on mails that take longer. */
export const keepClaim = (db: Queryable, ids: readonly string[], claimSeconds: number) =>
  db.run(sql`update auth.favo_mails set due_at = ${later(claimSeconds)} where ${these(ids)}`)

const withoutCode = sql`case when jsonb_typeof(sms) = 'object' then sms - 'code' else sms end`

/** What it said is the recipient's now. */
export const markSent = (db: Queryable, id: string) =>
  db.run(sql`
    update auth.favo_mails
    set state = 'sent', due_at = null, sent_at = now(), error = null, html = '', text = '', hook_input = null, sms = ${withoutCode}
    where ${these([id])}
  `)

export const markFailed = (db: Queryable, id: string, error: string, retrySeconds: number) =>
  db.run(
    sql`update auth.favo_mails set due_at = ${later(retrySeconds)}, error = ${error} where ${these([id])}`,
  )

/** Given up, until somebody wants it tried again. Of messages to phones the code is gone. */
export const markDead = (db: Queryable, id: string, error: string) =>
  db.run(sql`
    update auth.favo_mails
    set state = 'dead', due_at = null, error = ${error},
      html = case when sms is null then html else '' end, sms = ${withoutCode},
      hook_input = case when sms is null then hook_input end
    where ${these([id])}
  `)

/** Gives back mails that were not tried. */
export const releaseMails = (db: Queryable, ids: readonly string[], retrySeconds: number) =>
  db.run(
    sql`update auth.favo_mails set due_at = ${later(retrySeconds)}, tries = tries - 1 where ${these(ids)}`,
  )

/** The project has no mail server any more: its inbox holds them. */
export const holdMail = (db: Queryable, id: string) =>
  db.run(sql`update auth.favo_mails set state = 'local', due_at = null where ${these([id])}`)

/** Seconds until the next mail is due; null when none waits. */
export const secondsToNext = async (db: Queryable) => {
  const { seconds } = await db.one<{ seconds: number | null }>(sql`
    select greatest(0, extract(epoch from min(due_at) - now()))::float8 as seconds
    from auth.favo_mails
    where state = 'waiting'
  `)
  return seconds
}
