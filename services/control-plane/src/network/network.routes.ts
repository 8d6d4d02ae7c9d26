import {
  ApplyNetworkRestrictionsBody,
  PatchNetworkRestrictionsBody,
  RemoveNetworkBansBody,
  type NetworkBans,
  type NetworkRestrictions,
  type PatchedNetworkRestrictions,
} from '@favo/contracts'
import { audited } from '../audit/audited.ts'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { everywhere, familyOf, parseCidrs } from './cidrs.ts'
import {
  findRestrictions,
  listBans,
  removeBans,
  saveRestrictions,
  type RestrictionsRow,
} from './network.sql.ts'

const RANGES_MAX = 200

/** From where Postgres clients may connect. The gateway of Postgres enforces it; HTTP has keys, and no such restriction. */
export const networkRoutes: readonly Route[] = [
  route({
    operation: 'network.get_restrictions',
    method: 'GET',
    path: '/projects/:ref/network-restrictions',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    handle: async (ctx, { params }) => {
      const { ref } = await getProject(ctx, params.ref)
      return render(await findRestrictions(ctx.db, ref))
    },
  }),
  route({
    operation: 'network.apply_restrictions',
    method: 'POST',
    path: '/projects/:ref/network-restrictions/apply',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    status: 201,
    body: ApplyNetworkRestrictionsBody,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      return render(await save(ctx, ref, await findRestrictions(ctx.db, ref), rangesOf(body)))
    },
  }),
  route({
    operation: 'network.patch_restrictions',
    method: 'PATCH',
    path: '/projects/:ref/network-restrictions',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    body: PatchNetworkRestrictionsBody,
    handle: async (ctx, { params, body }): Promise<PatchedNetworkRestrictions> => {
      const { ref } = await getProject(ctx, params.ref)
      const before = await findRestrictions(ctx.db, ref)
      const removed = rangesOf(body.remove ?? {})
      const kept = (before?.allowed_cidrs ?? everywhere).filter((cidr) => !removed.includes(cidr))
      const after = await save(ctx, ref, before, [...new Set([...kept, ...rangesOf(body.add ?? {})])])
      const { config, old_config, ...rest } = render(after)
      return {
        ...rest,
        config: typed(config),
        ...(old_config === undefined ? {} : { old_config: typed(old_config) }),
      }
    },
  }),
  route({
    operation: 'network.list_bans',
    method: 'POST',
    path: '/projects/:ref/network-bans/retrieve',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    status: 201,
    handle: async (ctx, { params }): Promise<NetworkBans> => {
      ctx.audit.skip()
      const { ref } = await getProject(ctx, params.ref)
      return { banned_ipv4_addresses: (await listBans(ctx.db, ref)).map(({ address }) => address) }
    },
  }),
  route({
    operation: 'network.remove_bans',
    method: 'DELETE',
    path: '/projects/:ref/network-bans',
    permission: { scope: 'project', role: 'administrator', grant: 'projects:write' },
    body: RemoveNetworkBansBody,
    handle: async (ctx, { params, body }) => {
      const { ref } = await getProject(ctx, params.ref)
      const addresses = [...body.ipv4_addresses, ...(body.requester_ip === true ? [ctx.address] : [])]
      ctx.audit.note({ after: { unbanned: addresses } })
      await audited(ctx, (tx) => removeBans(tx, ref, addresses))
      return { message: 'ok' }
    },
  }),
]

const rangesOf = (body: ApplyNetworkRestrictionsBody): string[] => [
  ...parseCidrs(body.dbAllowedCidrs ?? [], 4),
  ...parseCidrs(body.dbAllowedCidrsV6 ?? [], 6),
]

async function save(
  ctx: ControlContext,
  ref: string,
  before: RestrictionsRow | null,
  cidrs: readonly string[],
): Promise<RestrictionsRow> {
  if (cidrs.length > RANGES_MAX) throw controlErrors.invalid(`A project has ${RANGES_MAX} ranges at most.`)
  return ctx.db.transaction(async (tx) => {
    const row = await saveRestrictions(tx, ref, cidrs)
    ctx.audit.note({ before: before?.allowed_cidrs ?? everywhere, after: row.allowed_cidrs })
    await ctx.audit.write(tx)
    return row
  })
}

/** Stored is applied: the gateways hear of it by the same notice as of any change. */
function render(row: RestrictionsRow | null): NetworkRestrictions {
  const lists = (cidrs: readonly string[]) => ({
    dbAllowedCidrs: cidrs.filter((cidr) => familyOf(cidr) === 4),
    dbAllowedCidrsV6: cidrs.filter((cidr) => familyOf(cidr) === 6),
  })
  return {
    entitlement: 'allowed',
    config: lists(row?.allowed_cidrs ?? everywhere),
    ...(row?.old_cidrs == null ? {} : { old_config: lists(row.old_cidrs) }),
    status: 'applied',
    ...(row === null ? {} : { updated_at: row.updated_at, applied_at: row.updated_at }),
  }
}

const typed = ({ dbAllowedCidrs, dbAllowedCidrsV6 }: NetworkRestrictions['config']) => ({
  dbAllowedCidrs: [
    ...dbAllowedCidrs.map((address) => ({ address, type: 'v4' as const })),
    ...dbAllowedCidrsV6.map((address) => ({ address, type: 'v6' as const })),
  ],
})
