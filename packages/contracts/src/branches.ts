import { z } from 'zod'
import { MigrationVersion } from './database.ts'

const BranchName = z.string().trim().min(1, 'must not be empty').max(100, 'must have at most 100 characters')
const NotifyUrl = z.url({ protocol: /^https?$/, error: 'must be a URL' }).max(2_000)

/**
 * `POST /v1/projects/{ref}/branches`. The Management API's fields (instance size, region and the like are accepted and
 * ignored) and ours: `expires_in_hours`.
 */
export const CreateBranchBody = z.object({
  branch_name: BranchName,
  git_branch: z.string().max(255).optional(),
  persistent: z.boolean().optional(),
  /** Copies the parent's data; without it the branch has what its parent's migrations make. */
  with_data: z.boolean().optional(),
  notify_url: NotifyUrl.optional(),
  expires_in_hours: z.number().positive().max(8_760).optional(),
})
export type CreateBranchBody = z.infer<typeof CreateBranchBody>

export const UpdateBranchBody = z.object({
  branch_name: BranchName.optional(),
  git_branch: z.string().max(255).optional(),
  persistent: z.boolean().optional(),
  reset_on_push: z.boolean().optional(),
  request_review: z.boolean().optional(),
  notify_url: NotifyUrl.optional(),
  /** Ours; null: it stays until it is deleted. */
  expires_in_hours: z.number().positive().max(8_760).nullable().optional(),
})
export type UpdateBranchBody = z.infer<typeof UpdateBranchBody>

/** `POST /v1/branches/{branch}/merge`, `/push`, `/reset`: up to and including that version. */
export const BranchActionBody = z.object({ migration_version: MigrationVersion.optional() })
export type BranchActionBody = z.infer<typeof BranchActionBody>

export const BranchActionReply = z.object({
  workflow_run_id: z.string(),
  message: z.literal('ok'),
  /** Ours: what was applied, in order. */
  applied: z.array(z.string()),
})
export type BranchActionReply = z.infer<typeof BranchActionReply>

/** `DELETE /v1/branches/{branch}`: `force=false` leaves an hour to restore it. */
export const DeleteBranchQuery = z.object({ force: z.enum(['true', 'false']).default('true') })

export const Branch = z.object({
  id: z.string(),
  name: z.string(),
  project_ref: z.string(),
  parent_project_ref: z.string(),
  is_default: z.boolean(),
  git_branch: z.string().optional(),
  persistent: z.boolean(),
  status: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  review_requested_at: z.string().optional(),
  with_data: z.boolean(),
  notify_url: z.string().optional(),
  deletion_scheduled_at: z.string().optional(),
  preview_project_status: z.string().optional(),
  /** Ours: why its migrations failed. */
  error: z.string().optional(),
})
export type Branch = z.infer<typeof Branch>

/** `GET /v1/branches/{branch}`. Passwords are shown nowhere. */
export const BranchConfig = z.object({
  ref: z.string(),
  postgres_version: z.string(),
  postgres_engine: z.string(),
  release_channel: z.string(),
  status: z.string(),
  db_host: z.string(),
  db_port: z.number(),
  db_user: z.string().optional(),
})
export type BranchConfig = z.infer<typeof BranchConfig>
