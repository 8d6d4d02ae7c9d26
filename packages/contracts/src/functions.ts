import { z } from 'zod'

/** An edge function as the Management API lists it. Times are milliseconds since 1970. */
export const EdgeFunction = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  status: z.enum(['ACTIVE', 'REMOVED', 'THROTTLED']),
  version: z.number(),
  created_at: z.number(),
  updated_at: z.number(),
  verify_jwt: z.boolean().optional(),
  import_map: z.boolean().optional(),
  entrypoint_path: z.string().optional(),
  import_map_path: z.string().optional(),
  ezbr_sha256: z.string().optional(),
})
export type EdgeFunction = z.infer<typeof EdgeFunction>
