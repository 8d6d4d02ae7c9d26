import { z } from 'zod'

/** Names of schemas, comma-separated; without it `public`. */
export const GenerateTypesQuery = z.object({
  included_schemas: z
    .string()
    .max(4_096)
    .regex(/^[^\0]*$/, 'must not contain a zero byte')
    .optional(),
})

export const TypeLanguage = z.enum(['typescript', 'go', 'python', 'swift'])
export type TypeLanguage = z.infer<typeof TypeLanguage>

export const GeneratedTypes = z.object({ types: z.string() })
export type GeneratedTypes = z.infer<typeof GeneratedTypes>
