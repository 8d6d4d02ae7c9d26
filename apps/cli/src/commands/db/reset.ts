import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { ResetOptions } from '../../more-commands.ts'
import { CommandError, exitCodes, type Terminal } from '../../terminal.ts'
import { push } from '../db-push.ts'

/**
 * Takes away what is the customer's: schemas of his own as a whole, what is in public one by one (its grants and default
 * privileges stay), triggers and policies of his on the platform's tables, and the history.
 */
const emptyDatabase = `
do $favo$
declare
  doomed record;
begin
  for doomed in
    select nspname from pg_namespace
    where nspname not in ('public', 'extensions', 'auth', 'storage', 'realtime', 'graphql', 'graphql_public', 'vault',
        'information_schema')
      and nspname !~ '^pg_' and pg_has_role(nspowner, 'member')
  loop
    execute format('drop schema %I cascade', doomed.nspname);
  end loop;
  for doomed in
    select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        when 'f' then 'foreign table' else 'table' end as kind, oid::regclass as name
    from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
      and not exists (select from pg_depend where objid = pg_class.oid and deptype in ('e', 'i', 'a'))
  loop
    execute format('drop %s if exists %s cascade', doomed.kind, doomed.name);
  end loop;
  for doomed in
    select oid::regprocedure as name from pg_proc
    where pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
  loop
    execute format('drop routine if exists %s cascade', doomed.name);
  end loop;
  for doomed in
    select oid::regtype as name, typtype from pg_type
    where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'r', 'c') and typelem = 0
      and not exists (select from pg_depend where objid = pg_type.oid and deptype in ('e', 'i'))
  loop
    execute format('drop type if exists %s cascade', doomed.name);
  end loop;
  for doomed in
    select polname, polrelid::regclass as name from pg_policy join pg_class on pg_class.oid = polrelid
    where relnamespace::regnamespace::text in ('auth', 'storage', 'realtime')
  loop
    execute format('drop policy %I on %s', doomed.polname, doomed.name);
  end loop;
  create schema supabase_migrations;
end
$favo$`

export async function resetDatabase(terminal: Terminal, options: ResetOptions): Promise<void> {
  const client = await connect(terminal)
  const project = await findProject(client, options.project)
  if (options.yes !== true && options.json !== true)
    throw new CommandError(
      `This drops all tables of ${project.name} (${project.ref}). Say --yes if you mean it.`,
      exitCodes.usage,
    )
  await client.runQuery(project.ref, { query: emptyDatabase })
  terminal.err(`The database of ${project.name} is empty.\n`)
  await push(terminal, {
    project: project.ref,
    workdir: options.workdir,
    ...(options.seed ? { includeSeed: true } : {}),
    ...(options.json === true ? { json: true } : {}),
  })
}
