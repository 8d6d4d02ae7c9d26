import { DatabaseError, sql } from '@favo/postgres'
import { createRef, createSecret } from '@favo/tokens'
import type { Platform } from '../platform.ts'
import { createKey } from '../projects/create-project.ts'
import { secretContexts } from '../projects/project-secrets.ts'

/** Also the id of its organization, which has no members: platform administrators look after it. */
export const platformSubdomain = 'platform'

/**
 * The row by which the data plane serves the platform project: its Auth signs people in at the control plane, its REST
 * serves their organizations and projects. People come by invitation unless the operator opens sign-up.
 */
export async function ensurePlatformProject(
  platform: Pick<Platform, 'db' | 'secretBox' | 'addresses'>,
  database: string,
): Promise<string> {
  const find = () =>
    platform.db.maybeOne<{ ref: string }>(sql`select ref from control.projects where is_platform`)
  const found = await find()
  if (found !== null) return found.ref
  const ref = createRef()
  const jwtSecret = platform.secretBox.seal(createSecret(48), secretContexts.jwtSecret(ref))
  const keys = [createKey(platform, ref, 'publishable'), createKey(platform, ref, 'secret')]
  const auth = { disableSignup: true, mailerAutoconfirm: false, siteUrl: platform.addresses.apiUrl }
  try {
    await platform.db.transaction(async (tx) => {
      await tx.run(sql`
        insert into control.organizations (id, name, is_platform)
        values (${platformSubdomain}, 'Platform', true)
        on conflict (id) do nothing`)
      await tx.run(sql`
        insert into control.projects (ref, organization_id, name, subdomain, database, region, status, is_platform)
        values (
          ${ref}, ${platformSubdomain}, 'Platform', ${platformSubdomain}, ${database}, 'local', 'ACTIVE_HEALTHY', true
        )`)
      await tx.run(sql`insert into control.project_secrets (ref, jwt_secret) values (${ref}, ${jwtSecret})`)
      await tx.run(sql`
        insert into control.project_settings (ref, auth) values (${ref}, ${JSON.stringify(auth)}::jsonb)`)
      for (const key of keys)
        await tx.run(sql`
          insert into control.api_keys (ref, type, name, prefix, hash, sealed)
          values (${ref}, ${key.type}, ${key.name}, ${key.prefix}, ${key.hash}, ${key.sealed})`)
    })
  } catch (error) {
    // Another process that starts at the same moment was quicker.
    const rival = error instanceof DatabaseError && error.code === '23505' ? await find() : null
    if (rival === null) throw error
    return rival.ref
  }
  return ref
}
