import { areas, type Grant } from './permission.ts'

/** All that a token can be limited to. */
export const grants: readonly Grant[] = areas.flatMap((area) => [`${area}:read`, `${area}:write`] as const)

/** Whether a token with those scopes is good for it. Who may write may read. */
export const covers = (scopes: readonly string[], grant: Grant): boolean =>
  scopes.includes(grant) || (grant.endsWith(':read') && scopes.includes(grant.replace(/:read$/, ':write')))
