import { z } from 'zod'
import { ProjectStatusName, ServiceHealth, Subdomain } from './projects.ts'

/** `PATCH /v1/projects/{ref}`: the Management API's `name`, and our `subdomain`. */
export const UpdateProjectBody = z
  .object({
    name: z
      .string()
      .trim()
      .min(1, 'must not be empty')
      .max(256, 'must have at most 256 characters')
      .optional(),
    subdomain: Subdomain.optional(),
  })
  .refine(
    (body) => body.name !== undefined || body.subdomain !== undefined,
    'must have a name or a subdomain',
  )
export type UpdateProjectBody = z.infer<typeof UpdateProjectBody>

/** `PATCH /v1/projects/{ref}/database/password` */
export const UpdatePasswordBody = z.object({
  password: z
    .string()
    .min(8, 'must have at least 8 characters')
    .max(256, 'must have at most 256 characters')
    .refine((text) => !text.includes('\0'), 'must not contain a zero byte'),
})
export type UpdatePasswordBody = z.infer<typeof UpdatePasswordBody>

export const ProjectHistoryEntry = z.object({
  at: z.string(),
  status: ProjectStatusName,
  step: z.string().nullable(),
  error: z.string().nullable(),
})
export type ProjectHistoryEntry = z.infer<typeof ProjectHistoryEntry>

/** `GET /v1/projects/{ref}/status` (ours): is it up, what is it doing, since when, and how it came to that. */
export const ProjectStatusReport = z.object({
  ref: z.string(),
  name: z.string(),
  status: ProjectStatusName,
  /** Requests are served. */
  is_up: z.boolean(),
  step: z.string().nullable(),
  error: z.string().nullable(),
  /** Of the status. */
  since: z.string(),
  services: z.array(ServiceHealth),
  /** The latest steps, newest first. */
  history: z.array(ProjectHistoryEntry),
})
export type ProjectStatusReport = z.infer<typeof ProjectStatusReport>

/** `GET /v1/addresses` (ours): what a profile of Supabase's CLI is made of. */
export const PlatformAddresses = z.object({
  api_url: z.string(),
  /** Projects are at `<ref>.<project_host>`. */
  project_host: z.string(),
})
export type PlatformAddresses = z.infer<typeof PlatformAddresses>

/** `GET /v1/removed-projects` (ours): deleted, and still restorable. */
export const RemovedProject = z.object({
  ref: z.string(),
  name: z.string(),
  organization_id: z.string(),
  restorable_until: z.string(),
})
export type RemovedProject = z.infer<typeof RemovedProject>

/**
 * `PUT /v1/projects/{ref}/config/database/postgres`: all settings that shall differ from the defaults. Which ones a project
 * may have, and within which bounds, the reply to a wrong one says.
 */
export const PostgresSettingsBody = z
  .object({ restart_database: z.boolean().optional() })
  .catchall(
    z.union([z.string().max(200, 'must have at most 200 characters'), z.number(), z.boolean(), z.null()]),
  )
export type PostgresSettingsBody = z.infer<typeof PostgresSettingsBody>

export const PostgresSettings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
export type PostgresSettings = z.infer<typeof PostgresSettings>
