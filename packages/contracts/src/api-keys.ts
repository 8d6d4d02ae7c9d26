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
