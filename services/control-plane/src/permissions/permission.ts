import type { OrganizationRole } from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import type { ControlError } from '../errors.ts'

/** Parts of the platform that a token can be limited to, by the names of the Management API's OAuth scopes. */
export const areas = [
  'account',
  'analytics',
  'auth',
  'database',
  'domains',
  'edge_functions',
  'environment',
  'organizations',
  'projects',
  'rest',
  'secrets',
  'storage',
] as const
export type Area = (typeof areas)[number]

/** What a token must be good for: `database:write`. Writing includes reading. */
export type Grant = `${Area}:${'read' | 'write'}`

/**
 * Who may use a route. Checked centrally before the body is read: what the actor may not see answers like what does not
 * exist, what is seen and not allowed answers 403.
 *
 * - `public`: anybody, without a token.
 * - `account`: whoever is signed in. The handler shows what is the actor's, and asks `ctx.requireOrganization` for more.
 * - `organization`: members of `:slug` with at least that role.
 * - `project`: members of the organization of the project `:ref` with at least that role. Where the path names the project
 *   in another way (a branch's id), `locate` finds its ref.
 * - `platform`: platform administrators.
 */
export type Permission =
  | { readonly scope: 'public' }
  | { readonly scope: 'account'; readonly grant: Grant }
  | { readonly scope: 'organization'; readonly role: OrganizationRole; readonly grant: Grant }
  | {
      readonly scope: 'project'
      readonly role: OrganizationRole
      readonly grant: Grant
      readonly locate?: {
        /** Null when there is nothing of that name. */
        ref(db: Queryable, params: Readonly<Record<string, string>>): Promise<string | null>
        /** What is answered then, and also when there is something that the actor may not see. */
        notFound(): ControlError
      }
    }
  | { readonly scope: 'platform'; readonly grant: Grant }
