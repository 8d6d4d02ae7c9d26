import { SslEnforcement, UpdateSslEnforcementBody } from '@favo/contracts'
import { audited } from '../audit/audited.ts'
import { restartProject } from '../projects/change-status.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { findTlsEnforcement, saveTlsEnforcement } from './network.sql.ts'

/** Stored is applied: the gateway of Postgres, on both ports, refuses clients without TLS after the notice of the change. */
const render = (isRequired: boolean): SslEnforcement => ({
  currentConfig: { database: isRequired },
  appliedSuccessfully: true,
})

export const sslEnforcementRoutes: readonly Route[] = [
  route({
    operation: 'ssl.get_enforcement',
    method: 'GET',
    path: '/projects/:ref/ssl-enforcement',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'Whether a project’s database refuses connections without TLS.',
    response: SslEnforcement,
    handle: async (ctx, { params }): Promise<SslEnforcement> => {
      const { ref } = await getProject(ctx, params.ref)
      return render(await findTlsEnforcement(ctx.db, ref))
    },
  }),
  route({
    operation: 'ssl.update_enforcement',
    method: 'PUT',
    path: '/projects/:ref/ssl-enforcement',
    permission: { scope: 'project', role: 'administrator', grant: 'database:write' },
    summary: 'Has a project’s database refuse connections without TLS; switching it on ends all sessions.',
    body: UpdateSslEnforcementBody,
    response: SslEnforcement,
    handle: async (ctx, { params, body }): Promise<SslEnforcement> => {
      const { ref, status } = await getProject(ctx, params.ref)
      const isRequired = body.requestedConfig.database
      const before = await findTlsEnforcement(ctx.db, ref)
      ctx.audit.note({ before: { database: before }, after: { database: isRequired } })
      await audited(ctx, (tx) => saveTlsEnforcement(tx, ref, isRequired))
      // Those without TLS that are there already.
      if (isRequired && !before && status === 'ACTIVE_HEALTHY') await restartProject(ctx, ref)
      return render(isRequired)
    },
  }),
]
