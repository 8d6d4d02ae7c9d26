import { z } from 'zod'

/** Where projects are put. `home` is the server that Favo runs itself. */
export const Cluster = z.object({
  name: z.string(),
  /** At the end of the names of its databases; 0: none. */
  number: z.number().int(),
  is_home: z.boolean(),
  host: z.string(),
  port: z.number().int(),
  projects: z.number().int(),
  created_at: z.string(),
})
export type Cluster = z.infer<typeof Cluster>

export const ClusterFinding = z.object({
  rule: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  message: z.string(),
  mend: z.string().nullable(),
  is_mended_by_adoption: z.boolean(),
})
export type ClusterFinding = z.infer<typeof ClusterFinding>

export const ClusterCheck = z.object({
  cluster: z.string(),
  /** No rule failed. */
  is_safe: z.boolean(),
  findings: z.array(ClusterFinding),
})
export type ClusterCheck = z.infer<typeof ClusterCheck>

const ClusterUrl = z
  .string()
  .max(2_000)
  .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')

export const CheckClusterBody = z.object({ url: ClusterUrl })
export type CheckClusterBody = z.infer<typeof CheckClusterBody>

export const AddClusterBody = z.object({
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'must be 1 to 40 letters a-z, digits or hyphens')
    .refine((name) => name !== 'home' && name !== 'check', 'is taken by the platform'),
  /** A superuser's: `postgresql://name:password@host:port/?sslmode=verify-full`. */
  url: ClusterUrl,
  /** Lets Favo change roles, privileges and databases of the server so that projects are safe there. */
  adopt: z.boolean().default(false),
})
export type AddClusterBody = z.input<typeof AddClusterBody>
