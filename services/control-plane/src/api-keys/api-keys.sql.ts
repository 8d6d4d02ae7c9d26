import { sql, type Queryable } from '@favo/postgres'
import type { NewApiKey } from '../projects/projects.sql.ts'

/** Returns its id. */
export const insertApiKey = async (
  db: Queryable,
  ref: string,
  key: NewApiKey & { readonly description: string | null },
): Promise<string> =>
  (
    await db.one<{ id: string }>(sql`
      insert into control.api_keys (ref, type, name, prefix, hash, sealed, description)
      values (${ref}, ${key.type}, ${key.name}, ${key.prefix}, ${key.hash}, ${key.sealed}, ${key.description})
      returning id::text as id`)
  ).id

/** What is null stays as it is; an empty description takes it away. */
export const updateApiKey = (
  db: Queryable,
  id: string,
  change: { readonly name: string | null; readonly description: string | null },
) =>
  db.run(sql`
    update control.api_keys
    set name = coalesce(${change.name}, name),
      description = nullif(coalesce(${change.description}, description), ''),
      updated_at = now()
    where id = ${id}::uuid`)

export const deleteApiKey = (db: Queryable, id: string) =>
  db.run(sql`delete from control.api_keys where id = ${id}::uuid`)
