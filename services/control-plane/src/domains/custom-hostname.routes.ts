import { InitializeHostnameBody, type CustomHostname } from '@favo/contracts'
import { audited } from '../audit/audited.ts'
import type { ControlContext } from '../context.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { claimDomain, domainErrors, recordName, verifyDomain } from './claim-domain.ts'
import { deleteDomain, findCustomHostname, noteVerified, type DomainRow } from './domains.sql.ts'

const read = { scope: 'project', role: 'read_only', grant: 'domains:read' } as const
const write = { scope: 'project', role: 'administrator', grant: 'domains:write' } as const

/** The Management API's form of one domain. Certificates are the business of what terminates TLS in front. */
export const customHostnameRoutes: readonly Route[] = [
  route({
    operation: 'custom_hostname.get',
    method: 'GET',
    path: '/projects/:ref/custom-hostname',
    permission: read,
    handle: async (ctx, { params }) => render(ctx, await getHostname(ctx, params.ref)),
  }),
  route({
    operation: 'custom_hostname.initialize',
    method: 'POST',
    path: '/projects/:ref/custom-hostname/initialize',
    permission: write,
    status: 201,
    body: InitializeHostnameBody,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      ctx.audit.note({ target: body.custom_hostname })
      return render(ctx, await claimDomain(ctx, ref, body.custom_hostname, true))
    },
  }),
  route({
    operation: 'custom_hostname.reverify',
    method: 'POST',
    path: '/projects/:ref/custom-hostname/reverify',
    permission: write,
    status: 201,
    handle: async (ctx, { params }) =>
      render(ctx, await verifyDomain(ctx, await getHostname(ctx, params.ref), 'verified')),
  }),
  route({
    operation: 'custom_hostname.activate',
    method: 'POST',
    path: '/projects/:ref/custom-hostname/activate',
    permission: write,
    status: 201,
    handle: async (ctx, { params }) => {
      const domain = await getHostname(ctx, params.ref)
      if (domain.status === 'pending')
        throw domainErrors.notVerified(domain.hostname, recordName(domain.hostname))
      ctx.audit.note({ target: domain.hostname })
      return render(ctx, await audited(ctx, (tx) => noteVerified(tx, domain.id, 'active')))
    },
  }),
  route({
    operation: 'custom_hostname.delete',
    method: 'DELETE',
    path: '/projects/:ref/custom-hostname',
    permission: write,
    handle: async (ctx, { params }) => {
      const domain = await getHostname(ctx, params.ref)
      ctx.audit.note({ target: domain.hostname })
      await audited(ctx, (tx) => deleteDomain(tx, domain.id))
      return { message: 'ok' }
    },
  }),
]

async function getHostname(ctx: ControlContext, projectRef: string | undefined): Promise<DomainRow> {
  const { ref } = await getProject(ctx, projectRef)
  const domain = await findCustomHostname(ctx.db, ref)
  if (domain === null) throw domainErrors.notFound()
  return domain
}

const statuses = {
  pending: '2_initiated',
  verified: '4_origin_setup_completed',
  active: '5_services_reconfigured',
} as const

function render(ctx: ControlContext, row: DomainRow): CustomHostname {
  const isVerified = row.status !== 'pending'
  return {
    status: statuses[row.status],
    custom_hostname: row.hostname,
    data: {
      success: true,
      errors: [],
      messages: [],
      result: {
        id: row.id,
        hostname: row.hostname,
        ssl: { status: isVerified ? 'active' : 'pending_validation', validation_records: [] },
        ownership_verification: { type: 'txt', name: recordName(row.hostname), value: row.token },
        custom_origin_server: new URL(ctx.addresses.projectUrl(row.ref)).hostname,
        ...(row.error === null ? {} : { verification_errors: [row.error] }),
        status: isVerified ? 'active' : 'pending',
      },
    },
  }
}
