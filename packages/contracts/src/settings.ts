import { z } from 'zod'

const names = /^[^\0]*$/

/**
 * `GET` and `PATCH /v1/projects/{ref}/postgrest`. Lists of schemas are comma-separated, as PostgREST's settings are. From
 * `db_aggregates_enabled` on they are ours, named as PostgREST's own settings; on Supabase only SQL can set those.
 */
export const PostgrestConfig = z.object({
  db_schema: z.string(),
  /** 0 means no limit. */
  max_rows: z.number(),
  db_extra_search_path: z.string(),
  db_pool: z.number().nullable(),
  db_pool_acquisition_timeout: z.number().nullable(),
  db_pool_max_lifetime: z.number().nullable(),
  db_pool_max_idletime: z.number().nullable(),
  db_aggregates_enabled: z.boolean(),
  db_plan_enabled: z.boolean(),
  db_tx_end: z.string(),
  db_pre_request: z.string().nullable(),
  openapi_mode: z.string(),
})
export type PostgrestConfig = z.infer<typeof PostgrestConfig>

/**
 * `db_pool` bounds the connections of requests without the service key, below what the platform gives to any project. The
 * pool's times are accepted and ignored: connections belong to the platform's one budget.
 */
export const UpdatePostgrestBody = z.object({
  db_schema: z.string().max(4096).regex(names).optional(),
  db_extra_search_path: z.string().max(4096).regex(names).optional(),
  max_rows: z.number().int().min(0).max(1_000_000).optional(),
  db_pool: z.number().int().min(1).max(10_000).nullable().optional(),
  db_pool_acquisition_timeout: z.number().int().nullable().optional(),
  db_pool_max_lifetime: z.number().int().nullable().optional(),
  db_pool_max_idletime: z.number().int().nullable().optional(),
  db_aggregates_enabled: z.boolean().optional(),
  db_plan_enabled: z.boolean().optional(),
  db_tx_end: z.enum(['commit', 'commit-allow-override', 'rollback', 'rollback-allow-override']).optional(),
  /** As it is written in SQL: `private.check_request`. Null or empty for none. */
  db_pre_request: z.string().max(256).regex(names).nullable().optional(),
  openapi_mode: z.enum(['follow-privileges', 'ignore-privileges', 'disabled']).optional(),
})
export type UpdatePostgrestBody = z.infer<typeof UpdatePostgrestBody>

/** `GET` and `PATCH /v1/projects/{ref}/config/auth`: the settings that Favo's Auth knows, by the Management API's names. */
export const AuthConfig = z.object({
  disable_signup: z.boolean(),
  mailer_autoconfirm: z.boolean(),
  password_min_length: z.number(),
  jwt_exp: z.number(),
  security_refresh_token_reuse_interval: z.number(),
  site_url: z.string(),
})
export type AuthConfig = z.infer<typeof AuthConfig>

export const UpdateAuthBody = z
  .object({
    disable_signup: z.boolean(),
    mailer_autoconfirm: z.boolean(),
    password_min_length: z.number().int().min(6).max(72),
    jwt_exp: z.number().int().min(1).max(604_800),
    security_refresh_token_reuse_interval: z.number().int().min(0).max(3_600),
    site_url: z.url().max(2048),
  })
  .partial()
export type UpdateAuthBody = z.infer<typeof UpdateAuthBody>
