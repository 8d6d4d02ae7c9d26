import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { sql } from '@favo/postgres'
import { failed, ok, warning, type Rule } from './rule.ts'

/** Of the foundation of every project. */
const needed = ['pgcrypto', 'uuid-ossp']

/** Their code could leave the database, or has done so before; a `trusted` in their control file gives them to customers. */
const dangerous = [
  'adminpack',
  'bool_plperl',
  'dblink',
  'file_fdw',
  'jsonb_plperl',
  'pageinspect',
  'pg_surgery',
  'pg_visibility',
  'pg_walinspect',
  'plperl',
  'plperlu',
  'plpython3u',
  'pltcl',
  'pltclu',
  'postgres_fdw',
]

const directory = fileURLToPath(new URL('../../../extensions', import.meta.url))

/** Control files: what customers may create, and what their migrations expect to be there. */
const extensions: Rule = async (session) => {
  const available = await session.many<{ name: string; trusted: boolean; superuser: boolean }>(sql`
    select name, bool_or(trusted) as trusted, bool_and(superuser) as superuser
    from pg_available_extension_versions group by name`)
  const byName = new Map(available.map((row) => [row.name, row]))
  const lacking = needed.filter((name) => !byName.has(name))
  if (lacking.length > 0)
    return failed(
      'extensions',
      `Every project needs ${lacking.join(' and ')}.`,
      'Install the contrib package of Postgres.',
    )
  const open = dangerous.filter((name) => byName.get(name)?.trusted === true)
  if (open.length > 0)
    return failed(
      'extensions',
      `Customers could create extensions that have been, or are made to be, a way out of their database: ${open.join(', ')}.`,
      `Write "trusted = false" into their control files, or copy those of ${directory} into the server's share/extension.`,
    )
  const missing = (await shippedNames()).filter((name) => {
    const row = byName.get(name)
    return !dangerous.includes(name) && (row === undefined || (row.superuser && !row.trusted))
  })
  return missing.length === 0
    ? ok('extensions', 'all that migrations for Supabase create is there')
    : warning(
        'extensions',
        `Migrations that create one of these fail: ${missing.join(', ')}.`,
        `Copy the files of ${directory} into the server's share/extension (pg_config --sharedir).`,
      )
}

const shippedNames = async (): Promise<string[]> =>
  (await readdir(directory))
    .filter((name) => name.endsWith('.control'))
    .map((name) => name.replace('.control', ''))
    .sort()

export const extensionRules: readonly Rule[] = [extensions]
