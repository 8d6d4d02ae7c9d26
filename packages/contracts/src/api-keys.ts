import { z } from 'zod'

export const ApiKey = z.object({
  /** Secret keys are masked unless `?reveal=true` was asked for. */
  api_key: z.string().nullable(),
  id: z.string().nullable(),
  type: z.enum(['legacy', 'publishable', 'secret']),
  prefix: z.string().nullable(),
  name: z.string(),
  description: z.string().nullable(),
  hash: z.string().nullable(),
  secret_jwt_template: z.record(z.string(), z.unknown()).nullable(),
  inserted_at: z.string().nullable(),
  updated_at: z.string().nullable(),
})
export type ApiKey = z.infer<typeof ApiKey>

/** `reveal` comes as text in the query string. */
export const ListApiKeysQuery = z.object({ reveal: z.enum(['true', 'false']).optional() })

export const LegacyApiKeys = z.object({ enabled: z.boolean() })
export type LegacyApiKeys = z.infer<typeof LegacyApiKeys>

const keyName = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_]{2,62}$/,
    'must be 3 to 63 letters a-z, digits or underscores, not beginning with a digit',
  )
const keyDescription = z.string().max(1_024, 'must have at most 1,024 characters').nullable()

/** A secret key acts as `service_role`; other roles are for tokens of users. */
export const CreateApiKeyBody = z.object({
  type: z.enum(['publishable', 'secret']),
  name: keyName,
  description: keyDescription.optional(),
  secret_jwt_template: z
    .object({ role: z.literal('service_role') })
    .nullable()
    .optional(),
})
export type CreateApiKeyBody = z.infer<typeof CreateApiKeyBody>

export const UpdateApiKeyBody = z.object({
  name: keyName.optional(),
  description: keyDescription.optional(),
})
export type UpdateApiKeyBody = z.infer<typeof UpdateApiKeyBody>
