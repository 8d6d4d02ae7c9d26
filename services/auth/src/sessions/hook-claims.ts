import { z } from 'zod'
import { hookErrors } from '../hooks/hook-errors.ts'
import type { Json } from '../users/user.ts'

const text = z.string()
const whole = z.int()

/** What a token needs to be of use here and to Supabase's clients. Mirrors MinimumViableTokenSchema of auth@bc32168. */
const claimsSchema = z.looseObject({
  aud: z.union([text, z.array(z.unknown())]),
  exp: whole,
  jti: text.optional(),
  iat: whole,
  iss: text.optional(),
  nbf: whole.optional(),
  sub: text,
  email: text,
  phone: text,
  app_metadata: z.record(text, z.unknown()).optional(),
  user_metadata: z.record(text, z.unknown()).optional(),
  role: text,
  aal: text,
  amr: z.array(z.union([text, z.record(text, z.unknown())])).optional(),
  session_id: text,
  client_id: text.optional(),
  is_anonymous: z.unknown().refine((value) => value !== undefined),
})

/** The claims that the hook answered with. Throws when they are missing or could not make a token. */
export function checkHookClaims(answer: Json): Json {
  if (!Object.hasOwn(answer, 'claims')) throw hookErrors.failed('output claims field is missing')
  const { claims } = answer
  const checked = claimsSchema.safeParse(claims)
  if (checked.success) return claims as Json
  const given = typeof claims === 'object' && claims !== null ? claims : {}
  const problems = checked.error.issues.map(({ path, message }) => {
    const isMissing = path.length === 1 && !Object.hasOwn(given, String(path[0]))
    return isMissing
      ? `- (root): ${String(path[0])} is required\n`
      : `- ${path.length === 0 ? '(root)' : path.map(String).join('.')}: ${message}\n`
  })
  throw hookErrors.failed(`output claims do not conform to the expected schema: \n${problems.join('')}`)
}
