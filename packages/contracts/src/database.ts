import { z } from 'zod'

export const RunQueryBody = z.object({
  query: z.string().min(1, 'must not be empty'),
  /** Values of `$1`, `$2`, …; only with a single statement. */
  parameters: z.array(z.json()).optional(),
  read_only: z.boolean().optional(),
})
export type RunQueryBody = z.infer<typeof RunQueryBody>

/** The rows of the last statement that returned any. */
export const QueryRows = z.array(z.record(z.string(), z.unknown()))
export type QueryRows = z.infer<typeof QueryRows>

export const MigrationVersion = z.string().regex(/^[0-9]{1,32}$/, 'must be digits')

/** `version` is ours; without it the time of day in UTC becomes one, as in the Management API. */
export const ApplyMigrationBody = z.object({
  query: z.string(),
  name: z.string().max(1024).optional(),
  rollback: z.string().optional(),
  version: MigrationVersion.optional(),
})
export type ApplyMigrationBody = z.infer<typeof ApplyMigrationBody>

export const Migration = z.object({ version: z.string(), name: z.string().optional() })
export type Migration = z.infer<typeof Migration>

/** One of the history, with what it ran. */
export const MigrationDetails = Migration.extend({
  statements: z.array(z.string()).optional(),
  rollback: z.array(z.string()).optional(),
})
export type MigrationDetails = z.infer<typeof MigrationDetails>

export const PatchMigrationBody = z.object({
  name: z.string().max(1024).optional(),
  /** SQL that undoes it; it is kept, and run when the migration is rolled back. */
  rollback: z.string().optional(),
})
export type PatchMigrationBody = z.infer<typeof PatchMigrationBody>

export const RollbackQuery = z.object({ gte: MigrationVersion })

/**
 * `PUT /v1/projects/{ref}/database/seeds` (ours): runs a seed file and remembers its hash in the table that Supabase's
 * CLI keeps. Without `query` only the hash is remembered, which is what that CLI does with a file that changed.
 */
export const ApplySeedBody = z.object({
  path: z.string().min(1).max(4096),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  query: z.string().optional(),
})
export type ApplySeedBody = z.infer<typeof ApplySeedBody>

export const Seed = z.object({ path: z.string(), hash: z.string() })
export type Seed = z.infer<typeof Seed>
