import type { SigningKey } from '@favo/tokens'
import type { AuthProtectionSettings } from './auth-protection-settings.ts'
import type { AuthSecuritySettings } from './auth-security-settings.ts'
import type { SignInSettings } from './external-providers.ts'
import type { MailSettings } from './mail-settings.ts'

/**
 * Statuses as the Management API names them; these are the ones Favo uses. REMOVED: deleted, its database still kept; to
 * all but a restoration there is no such project.
 */
export type ProjectStatus =
  | 'COMING_UP'
  | 'ACTIVE_HEALTHY'
  | 'INACTIVE'
  | 'PAUSING'
  | 'RESTORING'
  | 'RESTARTING'
  | 'INIT_FAILED'
  | 'GOING_DOWN'
  | 'REMOVED'

/** PostgREST's settings of a project, by the names of `PATCH /v1/projects/{ref}/postgrest` and `pgrst.*`. */
export interface RestSettings {
  /** Exposed schemas; the first is the default. */
  readonly schemas: readonly string[]
  readonly extraSearchPath: readonly string[]
  /** Null = no limit. */
  readonly maxRows: number | null
  /** The rest may be absent: then PostgREST's (and hosted Supabase's) defaults hold, named here. */
  /** Aggregate functions in `select`; off, because they make expensive queries easy. */
  readonly aggregatesEnabled?: boolean
  /** `Accept: application/vnd.pgrst.plan`; off, because plans tell of the schema. */
  readonly planEnabled?: boolean
  /** How transactions end, and whether `Prefer: tx=` may choose; `commit`. */
  readonly txEnd?: 'commit' | 'commit-allow-override' | 'rollback' | 'rollback-allow-override'
  /** Function called before each request, as it is written in SQL (`private.check_request`); none. */
  readonly preRequest?: string | null
  /** What the root describes; `follow-privileges`. */
  readonly openApiMode?: 'follow-privileges' | 'ignore-privileges' | 'disabled'
  /** Connections at most for requests without the service key; null = as many as the platform gives to any project. */
  readonly poolSize?: number | null
  /** Claims' `aud` must contain it; null = any. */
  readonly jwtAudience?: string | null
}

export const defaultRestSettings: RestSettings = {
  schemas: ['public', 'graphql_public'],
  extraSearchPath: ['public', 'extensions'],
  maxRows: 1_000,
}

export interface AuthSettings
  extends SignInSettings, AuthSecuritySettings, AuthProtectionSettings, MailSettings {
  readonly disableSignup: boolean
  readonly mailerAutoconfirm: boolean
  readonly passwordMinLength: number
  /** Seconds an access token lives. */
  readonly jwtExpSeconds: number
  /** Seconds within which a rotated refresh token may be used again. */
  readonly refreshTokenReuseIntervalSeconds: number
  readonly siteUrl: string
  /** The rest may be absent: then Supabase's defaults hold, named here. The Management API's name stands in brackets. */
  /** Users without an address; off [external_anonymous_users_enabled]. */
  readonly anonymousUsersEnabled?: boolean
  /** Where mails may lead beside `siteUrl`, as globs; nowhere [uri_allow_list]. */
  readonly uriAllowList?: readonly string[]
  /** How long a mailed link or code is good; 3,600 [mailer_otp_exp]. */
  readonly mailerOtpExpSeconds?: number
  /** Digits of a mailed code; 6 [mailer_otp_length]. */
  readonly mailerOtpLength?: number
  /** A new address is confirmed at the old one too; on [mailer_secure_email_change_enabled]. */
  readonly mailerSecureEmailChangeEnabled?: boolean
  /** Between two mails of one kind to one user; 60 [smtp_max_frequency]. */
  readonly mailMaxFrequencySeconds?: number
  /** A new password needs a mailed code in sessions older than a day; off [security_update_password_require_reauthentication]. */
  readonly updatePasswordRequiresReauthentication?: boolean
}

/** Supabase's defaults, but sign-ups need no confirmation: a fresh platform has no mail server. */
export const defaultAuthSettings: AuthSettings = {
  disableSignup: false,
  mailerAutoconfirm: true,
  passwordMinLength: 6,
  jwtExpSeconds: 3_600,
  refreshTokenReuseIntervalSeconds: 10,
  siteUrl: 'http://localhost:3000',
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
  /** True when tokens and keys of that secret are not accepted any more. */
  readonly isJwtSecretRevoked?: boolean
  /** Keys that user tokens are signed and verified with, beside the secret; none where it is absent. */
  readonly signingKeys?: readonly SigningKey[]
  readonly apiKeys: readonly ApiKeyRecord[]
  /** Networks (CIDR) from which Postgres may be reached; any where it is absent. */
  readonly allowedCidrs?: readonly string[]
  /** Whether Postgres clients without TLS are refused. */
  readonly requiresTls?: boolean
  readonly rest: RestSettings
  readonly auth: AuthSettings
  /** Addresses, and IPv6 networks, that may not connect to Postgres now; none where it is absent. */
  readonly bannedAddresses?: readonly string[]
  /** Verified host names of the project's own, lower-case; none where it is absent. */
  readonly domains?: readonly string[]
  readonly version: number
}

/** From the cache at once, without a promise: a request that hits it must not wait for a turn of the loop. */
export type Found = Project | null | Promise<Project | null>

/** Finds projects; answers come from a cache that a change invalidates at once. */
export interface ProjectDirectory {
  findByRef(ref: string): Found
  /** `label` is the first label of the host: a ref or a subdomain. */
  findByLabel(label: string): Found
  /** `hostname` is a whole host name, lower-case: one that a project has verified as its own. */
  findByDomain(hostname: string): Found
  /** For publishable and secret keys. (Legacy keys carry the ref as a claim.) */
  findByKeyHash(hash: string): Found
}
