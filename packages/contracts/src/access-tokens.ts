import { z } from 'zod'

export const CreateAccessTokenBody = z.object({
  name: z.string().trim().min(1, 'must not be empty').max(100, 'must have at most 100 characters'),
  /** Days until it stops working; without it the token lives until it is revoked. */
  expires_in_days: z.number().int().min(1).max(3650).optional(),
  /** What it is good for, such as `database:read`; without it for everything that its user may. */
  scopes: z.array(z.string().max(40)).min(1, 'must name at least one scope').max(50).optional(),
  /** Address of the user it is for, when a platform administrator makes it for somebody. */
  user: z
    .email('must be an e-mail address')
    .transform((text) => text.toLowerCase())
    .optional(),
})
export type CreateAccessTokenBody = z.infer<typeof CreateAccessTokenBody>

export const AccessToken = z.object({
  id: z.string(),
  name: z.string(),
  /** The first characters, to recognise it by. */
  prefix: z.string(),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
  expires_at: z.string().nullable(),
  /** Null: everything that its user may. */
  scopes: z.array(z.string()).nullable(),
  /** Null: the platform's own, made by the operator. */
  user_id: z.string().nullable(),
})
export type AccessToken = z.infer<typeof AccessToken>

/** The only reply that holds the token; it is stored as a hash. */
export const CreatedAccessToken = AccessToken.extend({ token: z.string() })
export type CreatedAccessToken = z.infer<typeof CreatedAccessToken>
