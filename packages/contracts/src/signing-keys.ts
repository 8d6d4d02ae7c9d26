import { z } from 'zod'

export const SigningKeyAlgorithm = z.enum(['HS256', 'ES256', 'RS256'])
export const SigningKeyStatus = z.enum(['in_use', 'standby', 'previously_used', 'revoked'])

/** As the Management API shows a key: never its private part. */
export const SigningKeyView = z.object({
  id: z.uuid(),
  algorithm: SigningKeyAlgorithm,
  status: SigningKeyStatus,
  public_jwk: z.record(z.string(), z.unknown()).nullable(),
  created_at: z.string(),
  updated_at: z.string(),
})
export type SigningKeyView = z.infer<typeof SigningKeyView>

export const SigningKeyList = z.object({ keys: z.array(SigningKeyView) })
export type SigningKeyList = z.infer<typeof SigningKeyList>

/** `POST /v1/projects/{ref}/config/auth/signing-keys`. Without a key one is made; it waits unless it is to be used at once. */
export const CreateSigningKeyBody = z.object({
  algorithm: SigningKeyAlgorithm,
  status: z.enum(['in_use', 'standby']).default('standby'),
  private_jwk: z.record(z.string(), z.unknown()).optional(),
})
export type CreateSigningKeyBody = z.infer<typeof CreateSigningKeyBody>

export const UpdateSigningKeyBody = z.object({ status: SigningKeyStatus })
export type UpdateSigningKeyBody = z.infer<typeof UpdateSigningKeyBody>
