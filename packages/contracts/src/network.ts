import { z } from 'zod'

const Cidrs = z
  .array(z.string().max(64, 'must be an address range'))
  .max(200, 'must have at most 200 entries')

/** `POST /v1/projects/{ref}/network-restrictions/apply`. A list that is left out stands for no address of its kind. */
export const ApplyNetworkRestrictionsBody = z.object({
  dbAllowedCidrs: Cidrs.optional(),
  dbAllowedCidrsV6: Cidrs.optional(),
})
export type ApplyNetworkRestrictionsBody = z.infer<typeof ApplyNetworkRestrictionsBody>

/** `PATCH /v1/projects/{ref}/network-restrictions` */
export const PatchNetworkRestrictionsBody = z.object({
  add: ApplyNetworkRestrictionsBody.optional(),
  remove: ApplyNetworkRestrictionsBody.optional(),
})
export type PatchNetworkRestrictionsBody = z.infer<typeof PatchNetworkRestrictionsBody>

const Lists = z.object({ dbAllowedCidrs: z.array(z.string()), dbAllowedCidrsV6: z.array(z.string()) })

export const NetworkRestrictions = z.object({
  entitlement: z.enum(['disallowed', 'allowed']),
  config: Lists,
  old_config: Lists.optional(),
  status: z.enum(['stored', 'applied']),
  updated_at: z.string().optional(),
  applied_at: z.string().optional(),
})
export type NetworkRestrictions = z.infer<typeof NetworkRestrictions>

const Typed = z.object({
  dbAllowedCidrs: z.array(z.object({ address: z.string(), type: z.enum(['v4', 'v6']) })),
})

/** The reply to `PATCH` has another form. */
export const PatchedNetworkRestrictions = z.object({
  entitlement: z.enum(['disallowed', 'allowed']),
  config: Typed,
  old_config: Typed.optional(),
  status: z.enum(['stored', 'applied']),
  updated_at: z.string().optional(),
  applied_at: z.string().optional(),
})
export type PatchedNetworkRestrictions = z.infer<typeof PatchedNetworkRestrictions>

export const NetworkBans = z.object({ banned_ipv4_addresses: z.array(z.string()) })
export type NetworkBans = z.infer<typeof NetworkBans>

export const RemoveNetworkBansBody = z.object({
  ipv4_addresses: z.array(z.string().max(64)).max(1_000).default([]),
  /** The address that the request comes from, too. */
  requester_ip: z.boolean().optional(),
  identifier: z.string().optional(),
})
export type RemoveNetworkBansBody = z.infer<typeof RemoveNetworkBansBody>
