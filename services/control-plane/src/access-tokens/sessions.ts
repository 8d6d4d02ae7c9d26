import { sql, type Queryable } from '@favo/postgres'
import type { Project } from '@favo/projects'
import { verifyJwt, type JwtClaims } from '@favo/tokens'
import type { ActingUser } from './actor.ts'

/** Checks access tokens of the platform project's Auth by its keys. */
export class SessionVerifier {
  readonly #load: () => Promise<Project | null>
  #project: Promise<Project | null> | null = null

  /** `load` reads the platform project; it is called again after `forget`. */
  constructor(load: () => Promise<Project | null>) {
    this.#load = load
  }

  /** The platform project has changed: its keys may have. */
  forget(): void {
    this.#project = null
  }

  /** The claims of a token that is signed and in force; null for any other. */
  async verify(token: string, now: Date): Promise<JwtClaims | null> {
    this.#project ??= this.#load().catch((error: unknown) => {
      this.#project = null
      throw error
    })
    const project = await this.#project
    if (project === null) return null
    const verification = verifyJwt(token, project)
    if (!verification.ok) return null
    const { claims } = verification
    const seconds = now.getTime() / 1_000
    // Unlike a project's REST service, the control plane takes nothing that lives for ever, and no API key.
    const isInForce = typeof claims.exp === 'number' && seconds < claims.exp
    const isOfUser = claims.role === 'authenticated' && claims.ref === undefined
    return isInForce && isOfUser ? claims : null
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/**
 * Who the claims speak of, as long as the session lives and the person may sign in. Sessions that an application was given
 * by OAuth are not the person's own. Who has a second factor must have used it.
 */
export async function findSessionUser(db: Queryable, claims: JwtClaims | null): Promise<ActingUser | null> {
  if (claims === null) return null
  const { sub, session_id: sessionId } = claims
  if (typeof sub !== 'string' || typeof sessionId !== 'string' || !uuid.test(sub) || !uuid.test(sessionId))
    return null
  const row = await db.maybeOne<{ id: string; email: string; is_platform_administrator: boolean }>(sql`
    select u.id::text as id, u.email, u.is_platform_administrator
    from control.people u
    join auth.sessions s on s.user_id = u.id
    where u.id = ${sub}::uuid and s.id = ${sessionId}::uuid and u.is_active and u.is_confirmed
      and s.oauth_client_id is null
      and (s.not_after is null or s.not_after > now())
      and (s.aal::text <> 'aal1' or not u.has_factor)`)
  return row === null
    ? null
    : { id: row.id, email: row.email, isPlatformAdministrator: row.is_platform_administrator }
}
