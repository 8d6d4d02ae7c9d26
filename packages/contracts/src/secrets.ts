import { z } from 'zod'

/** Names as environments of functions have them. `SUPABASE_` is the platform's own. */
export const SecretName = z
  .string()
  .max(256, 'must have at most 256 characters')
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be letters, digits and underscores, not beginning with a digit')
  .refine((name) => !name.startsWith('SUPABASE_'), 'must not begin with SUPABASE_, which the platform sets')

export const CreateSecretsBody = z
  .array(
    z.object({
      name: SecretName,
      value: z
        .string()
        .max(24_576, 'must have at most 24,576 characters')
        .refine((text) => !text.includes('\0'), 'must not contain a zero byte'),
    }),
  )
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 entries')
export type CreateSecretsBody = z.infer<typeof CreateSecretsBody>

export const DeleteSecretsBody = z.array(z.string().max(256)).min(1, 'must not be empty').max(1_000)
export type DeleteSecretsBody = z.infer<typeof DeleteSecretsBody>

/** `value` is the SHA-256 of the secret in hex: who knows it can compare, who does not learns nothing. */
export const Secret = z.object({ name: z.string(), value: z.string(), updated_at: z.string() })
export type Secret = z.infer<typeof Secret>
