import { sql } from '@favo/postgres'
import type { Platform } from '../platform.ts'
import { listApiKeyRows, openApiKey } from '../projects/project-secrets.ts'

export interface PlatformProject {
  readonly ref: string
  /** For the platform's own processes: it bypasses everything in the platform project's data plane. */
  readonly secretKey: string
}

/** Throws before the first start has made it. */
export async function getPlatformProject(platform: Platform): Promise<PlatformProject> {
  const { ref } = await platform.db.one<{ ref: string }>(
    sql`select ref from control.projects where is_platform`,
  )
  const key = (await listApiKeyRows(platform.db, ref)).find(({ type }) => type === 'secret')
  if (key === undefined) throw new Error('the platform project has no secret key')
  return { ref, secretKey: openApiKey(platform, ref, key) }
}
