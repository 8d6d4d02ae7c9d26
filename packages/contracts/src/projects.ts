import { z } from 'zod'

/** Exactly 20 letters a-z: the Supabase CLI refuses anything else. */
export const ProjectRef = z.string().regex(/^[a-z]{20}$/, 'must be 20 letters a-z')

const SUBDOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A DNS label. One of exactly 20 letters could be read as another project's ref, so it is refused. */
export const Subdomain = z
  .string()
  .regex(SUBDOMAIN, 'must be 1 to 63 letters a-z, digits or hyphens, with no hyphen at either end')
  .refine((label) => !/^[a-z]{20}$/.test(label), 'must not look like a ref (20 letters a-z)')

/**
 * `POST /v1/projects`. The Management API's fields (those that a self-hosted platform has no use for, such as the
 * instance size, are accepted and ignored) and ours: `subdomain`, `ref`, `jwt_secret`, `cluster`.
 *
 * Unlike there, only `name` is required: the organization defaults to `default`, the password is made.
 */
export const CreateProjectBody = z.object({
  name: z.string().trim().min(1, 'must not be empty').max(256, 'must have at most 256 characters'),
  organization_id: z.string().optional(),
  organization_slug: z.string().optional(),
  db_pass: z
    .string()
    .min(8, 'must have at least 8 characters')
    .max(256, 'must have at most 256 characters')
    .refine((text) => !text.includes('\0'), 'must not contain a zero byte')
    .optional(),
  region: z.string().max(64).optional(),
  subdomain: Subdomain.optional(),
  ref: ProjectRef.optional(),
  jwt_secret: z
    .string()
    .min(32, 'must have at least 32 characters')
    .max(512, 'must have at most 512 characters')
    .optional(),
  /** By name; platform administrators only. The home cluster unless given. */
  cluster: z.string().max(40).optional(),
})
export type CreateProjectBody = z.infer<typeof CreateProjectBody>

/** The status is an open set there; these are the ones Favo uses. */
export const ProjectStatusName = z.string()

const projectFields = {
  id: z.string(),
  ref: z.string(),
  organization_id: z.string(),
  organization_slug: z.string(),
  name: z.string(),
  region: z.string(),
  created_at: z.string(),
  status: ProjectStatusName,
}

/** Ours: what the Management API has no field for and every caller may see. */
const favoFields = {
  subdomain: z.string(),
  /** By host name: `http://<ref>.<domain>`. */
  url: z.string(),
  /** By path, for clients that cannot resolve the host name. */
  path_url: z.string(),
  /** The step underway in a change of status, for example `clone_template`; null at rest. */
  step: z.string().nullable(),
  /** Why the last change of status failed. */
  error: z.string().nullable(),
}

export const ProjectDetails = z.object({
  ...projectFields,
  database: z.object({
    host: z.string(),
    version: z.string(),
    postgres_engine: z.string(),
    release_channel: z.string(),
  }),
  ...favoFields,
})
export type ProjectDetails = z.infer<typeof ProjectDetails>

/**
 * `GET /v1/projects/{ref}/connection`, and part of the reply of `POST /v1/projects`: all that an application needs to
 * use the project. What `favo projects create --json` and `get --json` print.
 */
export const ProjectConnection = z.object({
  ref: z.string(),
  name: z.string(),
  subdomain: z.string(),
  status: ProjectStatusName,
  /** By host name: `http://<ref>.<domain>`. */
  url: z.string(),
  /** By path, for clients that cannot resolve the host name. */
  path_url: z.string(),
  keys: z.object({
    anon: z.string(),
    service_role: z.string(),
    publishable: z.string(),
    secret: z.string(),
  }),
  jwt_secret: z.string(),
  /**
   * The password is shown by `create` alone; afterwards it reads `****`. `transaction_url` leads to the port where many
   * clients share few connections. `name` is what Postgres calls the database.
   */
  database: z.object({
    url: z.string(),
    transaction_url: z.string(),
    name: z.string(),
    admin_url: z.string().optional(),
  }),
})
export type ProjectConnection = z.infer<typeof ProjectConnection>

export const CreatedProject = z.object({
  ...projectFields,
  ...favoFields,
  connection: ProjectConnection,
})
export type CreatedProject = z.infer<typeof CreatedProject>

/** Ours: `for_good=true` leaves no time to restore the project. */
export const DeleteProjectQuery = z.object({
  for_good: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
})

/** `id` is a number here and nowhere else, as in the Management API. */
export const DeletedProject = z.object({
  id: z.number(),
  ref: z.string(),
  name: z.string(),
  /** Ours: until then `POST /v1/projects/{ref}/restore` brings it back; null when it is gone for good. */
  restorable_until: z.string().nullable().optional(),
})
export type DeletedProject = z.infer<typeof DeletedProject>

export const serviceNames = [
  'auth',
  'db',
  'db_postgres_user',
  'pooler',
  'realtime',
  'rest',
  'storage',
  'pg_bouncer',
] as const
export const ServiceName = z.enum(serviceNames)
export type ServiceName = z.infer<typeof ServiceName>

export const ServiceHealth = z.object({
  name: ServiceName,
  healthy: z.boolean(),
  status: z.enum(['COMING_UP', 'ACTIVE_HEALTHY', 'UNHEALTHY']),
  info: z.record(z.string(), z.unknown()).optional(),
  error: z.string().optional(),
})
export type ServiceHealth = z.infer<typeof ServiceHealth>
