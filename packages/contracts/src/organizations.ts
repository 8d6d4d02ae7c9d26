import { z } from 'zod'

export const CreateOrganizationBody = z.object({
  name: z.string().trim().min(1).max(256),
})
export type CreateOrganizationBody = z.infer<typeof CreateOrganizationBody>

export const Organization = z.object({ id: z.string(), slug: z.string(), name: z.string() })
export type Organization = z.infer<typeof Organization>

export const OrganizationDetails = z.object({
  id: z.string(),
  name: z.string(),
  plan: z.enum(['free', 'pro', 'team', 'enterprise', 'platform']).optional(),
  opt_in_tags: z.array(z.string()),
  allowed_release_channels: z.array(z.string()),
})
export type OrganizationDetails = z.infer<typeof OrganizationDetails>

export const Profile = z.object({
  gotrue_id: z.string(),
  primary_email: z.string(),
  username: z.string(),
})
export type Profile = z.infer<typeof Profile>

/** From least to most. Each may what the ones before it may. */
export const organizationRoles = ['read_only', 'developer', 'administrator', 'owner'] as const
export const OrganizationRole = z.enum(organizationRoles)
export type OrganizationRole = z.infer<typeof OrganizationRole>
