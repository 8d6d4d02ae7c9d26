import { AddDomainBody, type Domain } from '@favo/contracts'
import { audited } from '../audit/audited.ts'
import type { ControlContext } from '../context.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { claimDomain, domainErrors, recordName, verifyDomain } from './claim-domain.ts'
import { deleteDomain, findDomain, listDomains, type DomainRow } from './domains.sql.ts'

const read = { scope: 'project', role: 'read_only', grant: 'domains:read' } as const
const write = { scope: 'project', role: 'administrator', grant: 'domains:write' } as const

/** Ours: any number of host names for a project. */
export const domainRoutes: readonly Route[] = [
  route({
    operation: 'domains.list',
    method: 'GET',
    path: '/projects/:ref/domains',
    permission: read,
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      return (await listDomains(ctx.db, ref)).map(render)
    },
  }),
  route({
    operation: 'domains.add',
    method: 'POST',
    path: '/projects/:ref/domains',
    permission: write,
    status: 201,
    body: AddDomainBody,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      ctx.audit.note({ target: body.hostname })
      return render(await claimDomain(ctx, ref, body.hostname, false))
    },
  }),
  route({
    operation: 'domains.verify',
    method: 'POST',
    path: '/projects/:ref/domains/:hostname/verify',
    permission: write,
    /** One that is verified is in use from then on. */
    handle: async (ctx, { params }) => {
      const domain = await getDomain(ctx, params)
      ctx.audit.note({ target: domain.hostname })
      return render(await verifyDomain(ctx, domain, 'active'))
    },
  }),
  route({
    operation: 'domains.remove',
    method: 'DELETE',
    path: '/projects/:ref/domains/:hostname',
    permission: write,
    handle: async (ctx, { params }) => {
      const domain = await getDomain(ctx, params)
      ctx.audit.note({ target: domain.hostname })
      await audited(ctx, (tx) => deleteDomain(tx, domain.id))
      return render(domain)
    },
  }),
]

async function getDomain(ctx: ControlContext, params: Readonly<Record<string, string>>): Promise<DomainRow> {
  const { ref } = await getProject(ctx, params.ref)
  const domain = await findDomain(ctx.db, ref, (params.hostname ?? '').toLowerCase())
  if (domain === null) throw domainErrors.notFound()
  return domain
}

const render = (row: DomainRow): Domain => ({
  hostname: row.hostname,
  status: row.status,
  verification: { type: 'TXT', name: recordName(row.hostname), value: row.token },
  error: row.error,
  created_at: row.created_at,
  verified_at: row.verified_at,
})
