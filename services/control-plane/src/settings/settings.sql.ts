import { sql, type Queryable } from '@favo/postgres'
import type { AuthSettings, RestSettings } from '@favo/projects'

/** Overlays what is given on what the project had chosen before. */
export const mergeRestSettings = (db: Queryable, ref: string, patch: Partial<RestSettings>) =>
  db.run(sql`
    update control.project_settings set rest = rest || ${JSON.stringify(patch)}::jsonb where ref = ${ref}`)

export const mergeAuthSettings = (db: Queryable, ref: string, patch: Partial<AuthSettings>) =>
  db.run(sql`
    update control.project_settings set auth = auth || ${JSON.stringify(patch)}::jsonb where ref = ${ref}`)
