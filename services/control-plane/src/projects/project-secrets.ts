import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'
import { signJwt } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import type { Platform } from '../platform.ts'
import type { ProjectRow } from './projects.sql.ts'

/** What a sealed value is bound to: it cannot be moved to another project or column. */
export const secretContexts = {
  jwtSecret: (ref: string) => `project:${ref}:jwt_secret`,
  signingKey: (ref: string, id: string) => `project:${ref}:signing_key:${id}`,
  apiKey: (ref: string, hash: string) => `project:${ref}:api_key:${hash}`,
  secret: (ref: string, name: string) => `project:${ref}:secret:${name}`,
}

export interface ApiKeyRow {
  readonly id: string
  readonly type: 'publishable' | 'secret'
  readonly name: string
  readonly prefix: string
  readonly hash: string
  readonly sealed: string
  readonly description: string | null
  readonly created_at: string
  readonly updated_at: string
}

export const listApiKeyRows = (db: Queryable, ref: string) =>
  db.many<ApiKeyRow>(sql`
    select id::text as id, type, name, prefix, hash, sealed, description,
      ${isoTime('created_at')} as created_at,
      ${isoTime('updated_at')} as updated_at
    from control.api_keys where ref = ${ref} order by created_at, type`)

/** Throws when the master key is not the one it was sealed with. */
export async function getJwtSecret(platform: Platform, ref: string): Promise<string> {
  const row = await platform.db.maybeOne<{ jwt_secret: string }>(
    sql`select jwt_secret from control.project_secrets where ref = ${ref}`,
  )
  if (row === null) throw controlErrors.projectNotFound()
  return platform.secretBox.open(row.jwt_secret, secretContexts.jwtSecret(ref))
}

export const openApiKey = (platform: Platform, ref: string, key: ApiKeyRow): string =>
  platform.secretBox.open(key.sealed, secretContexts.apiKey(ref, key.hash))

const TEN_YEARS_SECONDS = 10 * 365 * 24 * 3_600

/**
 * The two legacy keys, with Supabase's claims. They follow from the secret and the time of creation, so they are stored
 * nowhere and always read the same.
 */
export function signLegacyKeys(
  row: Pick<ProjectRow, 'ref' | 'created_epoch'>,
  jwtSecret: string,
): { readonly anon: string; readonly service_role: string } {
  const sign = (role: 'anon' | 'service_role') =>
    signJwt(
      {
        iss: 'supabase',
        ref: row.ref,
        role,
        iat: row.created_epoch,
        exp: row.created_epoch + TEN_YEARS_SECONDS,
      },
      jwtSecret,
    )
  return { anon: sign('anon'), service_role: sign('service_role') }
}
