/** Statuses as the Management API names them; these are the ones Favo uses. */
export type ProjectStatus =
  'COMING_UP' | 'ACTIVE_HEALTHY' | 'INACTIVE' | 'PAUSING' | 'RESTORING' | 'INIT_FAILED' | 'GOING_DOWN'

/** PostgREST's settings of a project, by the names of `PATCH /v1/projects/{ref}/postgrest` and `pgrst.*`. */
export interface RestSettings {
  /** Exposed schemas; the first is the default. */
  readonly schemas: readonly string[]
  readonly extraSearchPath: readonly string[]
  /** Null = no limit. */
  readonly maxRows: number | null
}

export interface AuthSettings {
  readonly disableSignup: boolean
  readonly mailerAutoconfirm: boolean
  readonly passwordMinLength: number
  /** Seconds an access token lives. */
  readonly jwtExpSeconds: number
  /** Seconds within which a rotated refresh token may be used again. */
  readonly refreshTokenReuseIntervalSeconds: number
  readonly siteUrl: string
}

export interface ApiKeyRecord {
  readonly id: string
  readonly type: 'publishable' | 'secret'
  /** SHA-256 of the whole key, hex. */
  readonly hash: string
}

/** All that the data plane needs to know of a project. Immutable; a change makes a new one with a higher version. */
export interface Project {
  readonly ref: string
  readonly name: string
  readonly subdomain: string
  readonly status: ProjectStatus
  /** Database name and stem of the logins: `p_<random>`. Says nothing about the project; never shown to other tenants. */
  readonly database: string
  /** HS256 secret of the project's legacy keys and user tokens. */
  readonly jwtSecret: string
  readonly apiKeys: readonly ApiKeyRecord[]
  readonly rest: RestSettings
  readonly auth: AuthSettings
  readonly version: number
}

/** Finds projects; answers come from a cache that a change invalidates at once. */
export interface ProjectDirectory {
  findByRef(ref: string): Promise<Project | null>
  /** `label` is the first label of the host: a ref or a subdomain. */
  findByLabel(label: string): Promise<Project | null>
  /** For publishable and secret keys. (Legacy keys carry the ref as a claim.) */
  findByKeyHash(hash: string): Promise<Project | null>
}
