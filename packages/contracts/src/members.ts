import { z } from 'zod'
import { OrganizationRole } from './organizations.ts'

/** As the Management API has it, and our own name of the role beside its. */
export const OrganizationMember = z.object({
  user_id: z.string(),
  user_name: z.string(),
  email: z.string(),
  /** For people: `Read-only`. */
  role_name: z.string(),
  role: OrganizationRole,
  mfa_enabled: z.boolean(),
  created_at: z.string(),
})
export type OrganizationMember = z.infer<typeof OrganizationMember>

export const UpdateMemberBody = z.object({ role: OrganizationRole })
export type UpdateMemberBody = z.infer<typeof UpdateMemberBody>

export const TransferOwnershipBody = z.object({ user_id: z.string() })
export type TransferOwnershipBody = z.infer<typeof TransferOwnershipBody>

export const UpdateOrganizationBody = z.object({ name: z.string().trim().min(1).max(256) })
export type UpdateOrganizationBody = z.infer<typeof UpdateOrganizationBody>

export const TransferProjectBody = z.object({
  /** Of the organization that gets the project. */
  target_organization_slug: z.string().min(1).max(63),
})
export type TransferProjectBody = z.infer<typeof TransferProjectBody>

const Email = z
  .email('must be an e-mail address')
  .max(255, 'must have at most 255 characters')
  .transform((text) => text.toLowerCase())

export const CreateInvitationBody = z.object({ email: Email, role: OrganizationRole })
export type CreateInvitationBody = z.infer<typeof CreateInvitationBody>

export const Invitation = z.object({
  id: z.string(),
  organization_slug: z.string(),
  organization_name: z.string(),
  email: z.string(),
  role: OrganizationRole,
  /** Null: the operator. */
  invited_by: z.string().nullable(),
  created_at: z.string(),
  expires_at: z.string(),
  is_expired: z.boolean(),
})
export type Invitation = z.infer<typeof Invitation>

export const AcceptInvitationBody = z.object({ token: z.string().min(1).max(200) })
export type AcceptInvitationBody = z.infer<typeof AcceptInvitationBody>

export const PlatformUser = z.object({
  id: z.string(),
  email: z.string(),
  is_confirmed: z.boolean(),
  /** False when banned or deleted. */
  is_active: z.boolean(),
  is_platform_administrator: z.boolean(),
  organizations: z.array(z.object({ slug: z.string(), role: OrganizationRole })),
  created_at: z.string().nullable(),
})
export type PlatformUser = z.infer<typeof PlatformUser>

export const CreateUserBody = z.object({
  email: Email,
  /** Without one the person gets a link by mail. */
  password: z.string().min(8, 'must have at least 8 characters').max(72).optional(),
})
export type CreateUserBody = z.infer<typeof CreateUserBody>

export const UpdateUserBody = z.object({ is_platform_administrator: z.boolean() })
export type UpdateUserBody = z.infer<typeof UpdateUserBody>

/** Where people sign in: Auth of the platform project. */
export const PlatformInfo = z.object({
  ref: z.string(),
  url: z.string(),
  path_url: z.string(),
  publishable_key: z.string(),
  anon_key: z.string(),
})
export type PlatformInfo = z.infer<typeof PlatformInfo>
