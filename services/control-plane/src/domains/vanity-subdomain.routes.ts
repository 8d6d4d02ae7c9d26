import { Subdomain, VanitySubdomainBody } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { controlErrors } from '../errors.ts'
import type { Platform } from '../platform.ts'
import { getProject } from '../projects/get-project.ts'
import { patchProject } from '../projects/lifecycle.routes.ts'
import { proposeSubdomain } from '../projects/subdomain.ts'
import { route, type Route } from '../route.ts'

/** The Management API's name for a project's subdomain. Every project has one; a vanity one was chosen. */
export const vanitySubdomainRoutes: readonly Route[] = [
  route({
    operation: 'vanity_subdomain.get',
    method: 'GET',
    path: '/projects/:ref/vanity-subdomain',
    permission: { scope: 'project', role: 'read_only', grant: 'domains:read' },
    handle: async (ctx, { params }) => {
      const row = await getProject(ctx, params.ref)
      return row.has_vanity_subdomain
        ? { status: 'active', custom_domain: hostOf(ctx, row.subdomain) }
        : { status: 'not-used' }
    },
  }),
  route({
    operation: 'vanity_subdomain.check_availability',
    method: 'POST',
    path: '/projects/:ref/vanity-subdomain/check-availability',
    permission: { scope: 'project', role: 'read_only', grant: 'domains:read' },
    status: 201,
    body: VanitySubdomainBody,
    handle: async (ctx, { params, body }) => {
      ctx.audit.skip()
      const { ref } = await getProject(ctx, params.ref)
      return { available: await isAvailable(ctx, ref, body.vanity_subdomain) }
    },
  }),
  route({
    operation: 'vanity_subdomain.activate',
    method: 'POST',
    path: '/projects/:ref/vanity-subdomain/activate',
    permission: { scope: 'project', role: 'administrator', grant: 'domains:write' },
    status: 201,
    body: VanitySubdomainBody,
    handle: async (ctx, { params, body }) => {
      const before = await getProject(ctx, params.ref)
      const parsed = Subdomain.safeParse(body.vanity_subdomain)
      if (!parsed.success)
        throw controlErrors.invalid(`vanity_subdomain ${parsed.error.issues[0]?.message ?? 'is not valid'}.`)
      const row = await patchProject(ctx, before, { subdomain: parsed.data, hasVanitySubdomain: true })
      return { custom_domain: hostOf(ctx, row.subdomain) }
    },
  }),
  route({
    operation: 'vanity_subdomain.deactivate',
    method: 'DELETE',
    path: '/projects/:ref/vanity-subdomain',
    permission: { scope: 'project', role: 'administrator', grant: 'domains:write' },
    handle: async (ctx, { params }) => {
      const before = await getProject(ctx, params.ref)
      if (!before.has_vanity_subdomain) return { message: 'ok' }
      // The second form has a random tail, so that it is free.
      const subdomain = proposeSubdomain(before.name, before.organization_id, 1)
      await patchProject(ctx, before, { subdomain, hasVanitySubdomain: false })
      return { message: 'ok' }
    },
  }),
]

const hostOf = ({ addresses }: Platform, subdomain: string) =>
  new URL(addresses.projectUrl(subdomain)).hostname

/** Tried out and taken back: the constraints of the table are what decides. */
async function isAvailable({ db }: Platform, ref: string, subdomain: string): Promise<boolean> {
  if (!Subdomain.safeParse(subdomain).success) return false
  const undo = new Error('only to see whether it could be')
  try {
    await db.transaction(async (tx) => {
      await tx.run(sql`update control.projects set subdomain = ${subdomain} where ref = ${ref}`)
      throw undo
    })
    return false
  } catch (error) {
    return error === undo
  }
}
