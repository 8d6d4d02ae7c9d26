import type { ProjectDb } from '@favo/postgres'
import { preRequest, resultAt, runPipeline, type Execution } from './execute.ts'

/** What the caller may use of a schema. */
export interface Access {
  readonly tables: ReadonlySet<string>
  /** By oid. */
  readonly routines: ReadonlySet<number>
  /** The schema's comment. */
  readonly description: string | null
}

const query = `
  select
    (select coalesce(json_agg(rel.relname), '[]')
      from pg_catalog.pg_class rel
      where rel.relnamespace = $1::regnamespace and rel.relkind in ('r', 'v', 'm', 'f', 'p')
        and (pg_catalog.pg_has_role(rel.relowner, 'usage')
          or pg_catalog.has_table_privilege(
            rel.oid, 'select, insert, update, delete, truncate, references, trigger')
          or pg_catalog.has_any_column_privilege(rel.oid, 'select, insert, update, references'))),
    (select coalesce(json_agg(proc.oid::int8), '[]')
      from pg_catalog.pg_proc proc
      where proc.pronamespace = $1::regnamespace and proc.prokind = 'f'
        and pg_catalog.has_function_privilege(proc.oid, 'execute')),
    pg_catalog.obj_description($1::regnamespace, 'pg_namespace')`

/** Asked as the caller, so that Postgres decides. */
export async function readAccess(db: ProjectDb, run: Execution): Promise<Access> {
  const schema = `"${run.request.schema.replaceAll('"', '""')}"`
  const steps = [...preRequest(run), { text: query, values: [schema], plan: run.caller.role }]
  const results = await runPipeline(db, run, null, steps, true)
  const [tables, routines, description] = resultAt(results, steps.length - 1).rows[0] ?? []
  return {
    tables: new Set(list<string>(tables)),
    routines: new Set(list<number>(routines)),
    description: description?.toString('utf8') ?? null,
  }
}

const list = <T>(cell: Buffer | null | undefined) => JSON.parse(cell?.toString('utf8') ?? '[]') as T[]
