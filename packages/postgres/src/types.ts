/**
 * What the rest of Favo sees of a project's database. Connections, pools and the wire stay behind these types.
 */
import type { Sql } from './sql.ts'

/**
 * Which of a project's logins a connection is opened with. One connection never serves two of them.
 *
 * - `api`: may become `anon`, `authenticated` and custom roles granted to it. Requests of ordinary callers.
 * - `svc`: may become `service_role` and the platform's service roles. Requests with the service key, Auth, introspection.
 * - `own`: starts as `postgres`. SQL that the project's owner sends through the platform (migrations, query endpoint).
 */
export type Login = 'api' | 'svc' | 'own'

/** One statement of a pipeline. `text` is prepared once per connection and per `plan`, under a random name. */
export interface Step {
  readonly text: string
  /** Text format unless a Buffer (then binary). Null is SQL null. */
  readonly values: readonly (string | Buffer | null)[]
  /** Types of the parameters by OID, where the server should not infer them; 0 = infer. */
  readonly types?: readonly number[]
  /**
   * Prepared statements are cached under `plan + text`. Give the role: a plan that alternates between roles is
   * replanned each time (58 µs instead of 33). `null` = do not prepare by name, parse each time.
   */
  readonly plan: string | null
  /** For a step that is sent again and again: its values are encoded once. */
  readonly encoded?: EncodedValues
}

/** Values as they go over the wire, once they have been sent. */
export class EncodedValues {
  bytes: Buffer | null = null
}

export type Setting = readonly [name: string, value: string]

/** Settings that many requests have in common: the statement that they become is made and encoded once. */
export class SharedSettings {
  readonly list: readonly Setting[]
  /** By kind of transaction; filled by the wire. */
  readonly statements = new Map<number, Step>()

  constructor(list: readonly Setting[]) {
    this.list = list
  }
}

/** What a pipeline needs of an AbortSignal; an AbortSignal is one. */
export interface CancelSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Statements that travel together and end in one Sync: one round trip, one implicit transaction which rolls back as a
 * whole. The pipeline itself puts `RESET ALL` in front, so that nothing set by an earlier request on the connection is left.
 */
export interface PipelineRequest {
  /**
   * Settings for this request alone (`set_config(name, value, true)`), in order, before the first step: role, claims,
   * search_path. They have no result of their own. Cheaper than a step, because they share a statement with the cleaning.
   */
  readonly settings?: readonly Setting[] | SharedSettings
  readonly steps: readonly Step[]
  /**
   * True when the steps change nothing. The transaction then is read-only (unless `transaction` says something else), the
   * request may share its connection with other quick reads, and it is tried again once when a connection is lost
   * underway. A write whose Sync was sent is never repeated.
   */
  readonly isRead: boolean
  /** When aborted (client gone, deadline), the statement is cancelled in Postgres. */
  readonly signal?: CancelSignal
  /** Milliseconds after which the platform itself cancels, whatever statement_timeout says. */
  readonly deadlineMs?: number
  /**
   * Puts an explicit BEGIN in front and COMMIT (or ROLLBACK) behind, in the same trip. Needed for an isolation level
   * and for `Prefer: tx=rollback`; the implicit transaction cannot do either.
   */
  readonly transaction?: {
    readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
    readonly readOnly?: boolean
    readonly end: 'commit' | 'rollback'
  }
}

export interface Field {
  readonly name: string
  readonly typeOid: number
}

export interface StepResult {
  readonly fields: readonly Field[]
  /** Text-format cells as they came off the wire (UTF-8); nothing is parsed. */
  readonly rows: readonly (readonly (Buffer | null)[])[]
  /** The command tag, for example `INSERT 0 3`. */
  readonly tag: string
}

/** Resolves only at ReadyForQuery: deferred constraints fail after the rows have come, and then this rejects. */
export type PipelineResult = readonly StepResult[]

export interface Queryable {
  many<Row extends object>(query: Sql): Promise<Row[]>
  /** Throws unless exactly one row comes. */
  one<Row extends object>(query: Sql): Promise<Row>
  maybeOne<Row extends object>(query: Sql): Promise<Row | null>
  /** Rows affected. */
  run(query: Sql): Promise<number>
}

export interface Db extends Queryable {
  /** Commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>
}

/** Roles that platform services take inside a project's database, by `svc`. None is a superuser. */
export type ServiceRole =
  'supabase_auth_admin' | 'supabase_storage_admin' | 'supabase_realtime_admin' | 'service_role'

export interface ProjectDb {
  /** Caller traffic and owner SQL. The steps set role, claims and search_path themselves. */
  pipeline(login: Login, request: PipelineRequest): Promise<PipelineResult>
  /**
   * Bypasses the caller's RLS: the statements run under a service's own role, with search_path and every setting under
   * which values are parsed pinned. `why` is for the reader of the code.
   */
  asService(role: ServiceRole, why: string): Db
  /**
   * Calls `onNotify` for each NOTIFY on the channel, and `onLost` once when the listening connection has gone (restart,
   * idle close): whoever cached something on the strength of it must drop it. Uses a pooled `svc` connection.
   */
  listen(channel: string, onNotify: (payload: string) => void, onLost: () => void): Promise<void>
}

/** An error that Postgres reported. Field names as in the protocol's ErrorResponse. */
export class DatabaseError extends Error {
  readonly code: string
  readonly severity: string
  readonly detail: string | null
  readonly hint: string | null
  readonly schema: string | null
  readonly table: string | null
  readonly column: string | null
  readonly constraint: string | null
  readonly where: string | null
  /** 1-based character position in the statement, when Postgres gave one. */
  readonly position: number | null
  /** Index of the step that failed; -1 when it was one of the settings; null when it failed at commit. */
  readonly step: number | null
  constructor(
    fields: Partial<Omit<DatabaseError, 'name' | 'stack' | 'cause'>> & { message: string; code: string },
  ) {
    super(fields.message)
    this.name = 'DatabaseError'
    this.code = fields.code
    this.severity = fields.severity ?? 'ERROR'
    this.detail = fields.detail ?? null
    this.hint = fields.hint ?? null
    this.schema = fields.schema ?? null
    this.table = fields.table ?? null
    this.column = fields.column ?? null
    this.constraint = fields.constraint ?? null
    this.where = fields.where ?? null
    this.position = fields.position ?? null
    this.step = fields.step ?? null
  }
}

/**
 * The database could not be reached or the connection broke. Services answer 503 in their dialect.
 *
 * - `unavailable`: nothing was sent; trying again is safe.
 * - `busy`: no connection came free in time (fair queue full, budget used up).
 * - `lost`: the connection broke after a write was sent; whether it was committed is unknown.
 * - `cancelled`: the signal was aborted or the deadline passed.
 */
export class ConnectionError extends Error {
  readonly kind: 'unavailable' | 'busy' | 'lost' | 'cancelled'
  constructor(kind: ConnectionError['kind'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ConnectionError'
    this.kind = kind
  }
}
