import type { Claims } from '@favo/http'
import type { Db } from '@favo/postgres'
import type { Project } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import type { AskMemory } from './mails/ask-memory.ts'
import type { GuessMemory } from './one-time-tokens/guess-memory.ts'
import type { RequestOutbox } from './outbox/mail-worker.ts'
import type { OidcDirectory } from './oidc/discovery.ts'
import type { Outbound } from './outbound/outbound.ts'
import type { LeakedPasswords } from './passwords/leaked-passwords.ts'
import type { Passwords } from './passwords/passwords.ts'
import type { RateLimits } from './rate-limits/rate-limits.ts'
import type { SessionRow } from './sessions/sessions.sql.ts'
import type { EffectiveSettings } from './settings.ts'
import type { UserRow } from './users/user.ts'

/** What one request may use. Made once, never changed. */
export interface AuthContext {
  readonly project: Project
  readonly settings: EffectiveSettings
  /** The auth schema, as its owner: users' own rights do not reach it. */
  readonly db: Db
  readonly passwords: Passwords
  /** `iss` of the project's tokens. One per project, however the request reached it. */
  readonly issuer: string
  /** Of all projects; keys begin with the ref. */
  readonly asks: AskMemory
  readonly guesses: GuessMemory
  readonly limits: RateLimits
  /** Ids of the users that the request made; their project may want to know when they are stored. */
  readonly newUserIds: string[]
  readonly leakedPasswords: LeakedPasswords
  /** For hooks, messages and other calls to addresses elsewhere. */
  readonly outbound: Outbound
  /** Whoever stores a mail says so here before. */
  readonly outbox: RequestOutbox
  /** What OpenID providers publish; of all projects. */
  readonly oidc: OidcDirectory
  readonly log: Logger
  readonly userAgent: string | null
  /** Header; null when the client has not said what it reads. */
  readonly acceptLanguage: string | null
  /** Null when it is not known to be an address. */
  readonly clientIp: string | null
  /** Audience that the client asked for by X-JWT-AUD, else null. */
  readonly audienceHeader: string | null
}

/** The user of a verified access token, as the database has it now. */
export interface SignedIn {
  readonly claims: Claims
  readonly user: UserRow
  /** Null for tokens without a session_id, which a project's backend may sign itself. */
  readonly session: SessionRow | null
}

/** Holder of the service key, or of a token that the project's secret signed with an administrator's role. */
export interface Administrator {
  readonly role: string
}
