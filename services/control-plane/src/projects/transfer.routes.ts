import { TransferProjectBody } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { insertAuditEntry } from '../audit/audit-log.sql.ts'
import { userOf } from '../access-tokens/actor.ts'
import { controlErrors } from '../errors.ts'
import { requireOrganization } from '../permissions/access.ts'
import { route, type Route } from '../route.ts'
import { findProjectRow } from './projects.sql.ts'
import { renderProject } from './render-project.ts'

export const transferRoutes: readonly Route[] = [
  route({
    operation: 'projects.transfer',
    method: 'POST',
    path: '/projects/:ref/transfer',
    // Giving away is the owner's; the one who gives must be able to make projects there, too.
    permission: { scope: 'project', role: 'owner', grant: 'projects:write' },
    body: TransferProjectBody,
    handle: (ctx, { params, body }) =>
      ctx.db.transaction(async (tx) => {
        const { organizationId: target } = await requireOrganization(
          tx,
          ctx.actor,
          body.target_organization_slug,
          'administrator',
        )
        const before = await lockProject(tx, params.ref ?? '')
        if (before === null || target === null) throw controlErrors.projectNotFound()
        // He may have been demoted, or the project transferred, since the request came.
        await requireOrganization(tx, ctx.actor, before.organization_id, 'owner').catch((error: unknown) => {
          if (error instanceof Error && 'status' in error && error.status === 404)
            throw controlErrors.projectNotFound()
          throw error
        })
        if (before.is_branch) throw controlErrors.branchStays()
        await moveWithBranches(tx, before.ref, target)
        const change = {
          before: { organization_id: before.organization_id },
          after: { organization_id: target },
        }
        ctx.audit.note({ target: before.ref, ...change })
        await ctx.audit.write(tx)
        // The receiving side finds it in its own log, too.
        const user = userOf(ctx.actor)
        await insertAuditEntry(tx, {
          requestId: ctx.requestId,
          actorKind: user === null ? 'operator' : 'user',
          actorId: user?.id ?? null,
          tokenId: ctx.actor.kind === 'token' ? ctx.actor.id : null,
          actorName: user?.email ?? 'operator',
          operation: 'projects.receive',
          organizationId: target,
          projectRef: before.ref,
          target: before.ref,
          before: JSON.stringify(change.before),
          after: JSON.stringify(change.after),
          status: null,
          address: null,
        })
        const after = await findProjectRow(tx, before.ref)
        if (after === null) throw controlErrors.projectNotFound()
        return renderProject(after, ctx.addresses)
      }),
  }),
]

const lockProject = (tx: Queryable, ref: string) =>
  tx.maybeOne<{ ref: string; organization_id: string; is_branch: boolean }>(sql`
    select ref, organization_id,
      exists (select from control.branches b where b.ref = p.ref and b.parent_ref <> p.ref) as is_branch
    from control.projects p where ref = ${ref} for update`)

/** A branch is a part of its project: both are always in one organization. */
const moveWithBranches = (tx: Queryable, ref: string, organizationId: string) =>
  tx.run(sql`
    update control.projects set organization_id = ${organizationId}
    where ref = ${ref} or ref in (select b.ref from control.branches b where b.parent_ref = ${ref})`)
