import { z } from 'zod'

export const Hostname = z
  .string()
  .trim()
  .toLowerCase()
  .max(253, 'must have at most 253 characters')
  .regex(
    /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/,
    'must be a host name such as api.example.com',
  )

/** `POST /v1/projects/{ref}/domains` (ours) */
export const AddDomainBody = z.object({ hostname: Hostname })
export type AddDomainBody = z.infer<typeof AddDomainBody>

/** A host name at which a project answers once its owner has proved, by a TXT record, that it is his. */
export const Domain = z.object({
  hostname: z.string(),
  status: z.enum(['pending', 'verified', 'active']),
  /** The record to make. */
  verification: z.object({ type: z.literal('TXT'), name: z.string(), value: z.string() }),
  /** Why the last look at the name server did not find it. */
  error: z.string().nullable(),
  created_at: z.string(),
  verified_at: z.string().nullable(),
})
export type Domain = z.infer<typeof Domain>

/** `POST /v1/projects/{ref}/custom-hostname/initialize` */
export const InitializeHostnameBody = z.object({ custom_hostname: Hostname })
export type InitializeHostnameBody = z.infer<typeof InitializeHostnameBody>

export const CustomHostname = z.object({
  status: z.enum([
    '1_not_started',
    '2_initiated',
    '3_challenge_verified',
    '4_origin_setup_completed',
    '5_services_reconfigured',
  ]),
  custom_hostname: z.string(),
  data: z.object({
    success: z.boolean(),
    errors: z.array(z.unknown()),
    messages: z.array(z.unknown()),
    result: z.object({
      id: z.string(),
      hostname: z.string(),
      ssl: z.object({ status: z.string(), validation_records: z.array(z.unknown()) }),
      ownership_verification: z.object({ type: z.string(), name: z.string(), value: z.string() }),
      custom_origin_server: z.string(),
      verification_errors: z.array(z.string()).optional(),
      status: z.string(),
    }),
  }),
})
export type CustomHostname = z.infer<typeof CustomHostname>

/** `POST /v1/projects/{ref}/vanity-subdomain/check-availability` and `/activate` */
export const VanitySubdomainBody = z.object({
  vanity_subdomain: z.string().trim().toLowerCase().max(63, 'must have at most 63 characters'),
})
export type VanitySubdomainBody = z.infer<typeof VanitySubdomainBody>
