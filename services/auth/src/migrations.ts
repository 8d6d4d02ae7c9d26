import { fileURLToPath } from 'node:url'
import type { SchemaMigrations } from '@favo/http'

/** The `auth` schema of every project's database. The schema itself, with its grants, is there before. */
export const migrations: SchemaMigrations = {
  component: 'auth',
  directory: fileURLToPath(new URL('./migrations', import.meta.url)),
}
