import { sql, type Queryable } from '@favo/postgres'
import { isoTime } from '../iso-time.ts'

export interface SecretRow {
  readonly name: string
  readonly digest: string
  readonly updated_at: string
}

export const listSecretRows = (db: Queryable, ref: string) =>
  db.many<SecretRow>(sql`
    select name, digest, ${isoTime('updated_at')} as updated_at
    from control.secrets where ref = ${ref} order by name collate "C"`)

export const countSecrets = async (db: Queryable, ref: string): Promise<number> =>
  (
    await db.one<{ count: number }>(
      sql`select count(*)::int as count from control.secrets where ref = ${ref}`,
    )
  ).count

/** A value that stays the same keeps its time. */
export const putSecret = (
  db: Queryable,
  secret: { readonly ref: string; readonly name: string; readonly sealed: string; readonly digest: string },
) =>
  db.run(sql`
    insert into control.secrets as s (ref, name, sealed, digest)
    values (${secret.ref}, ${secret.name}, ${secret.sealed}, ${secret.digest})
    on conflict (ref, name) do update
    set sealed = excluded.sealed, digest = excluded.digest, updated_at = now()
    where s.digest <> excluded.digest`)

export const deleteSecrets = (db: Queryable, ref: string, names: readonly string[]) =>
  db.run(sql`
    delete from control.secrets
    where ref = ${ref} and name in (select jsonb_array_elements_text(${JSON.stringify(names)}::jsonb))`)
