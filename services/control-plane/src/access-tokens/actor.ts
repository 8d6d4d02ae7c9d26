/** A person with an account at the platform. */
export interface ActingUser {
  /** As in the platform project's Auth. */
  readonly id: string
  readonly email: string
  readonly isPlatformAdministrator: boolean
}

/**
 * Who makes a request to `/v1`.
 *
 * - `bootstrap`: the operator on the machine itself.
 * - `token`: a personal access token; one without a user was made by the operator for the platform.
 * - `session`: somebody signed in at the platform project.
 */
export type Actor =
  | { readonly kind: 'bootstrap' }
  | {
      readonly kind: 'token'
      readonly id: string
      readonly name: string
      readonly user: ActingUser | null
      /** Null: everything that the user may. */
      readonly scopes: readonly string[] | null
    }
  | { readonly kind: 'session'; readonly user: ActingUser }

/** Null: the operator, or somebody who acts for him. */
export const userOf = (actor: Actor): ActingUser | null => (actor.kind === 'bootstrap' ? null : actor.user)

/** Stable and without meaning to others: for logs and limits. */
export function actorKey(actor: Actor): string {
  const user = userOf(actor)
  if (user !== null) return `user:${user.id}`
  return actor.kind === 'token' ? `token:${actor.id}` : 'operator'
}
