-- An event trigger that switches row level security on.
create or replace function public.enable_rls_on_create() returns event_trigger
language plpgsql security definer set search_path = 'pg_catalog'
as $function$
declare
  cmd record;
begin
  for cmd in
    select * from pg_event_trigger_ddl_commands()
    where command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') and object_type = 'table'
  loop
    if cmd.schema_name in ('public') then
      execute format('alter table if exists %s enable row level security', cmd.object_identity);
      raise log 'row level security switched on for %', cmd.object_identity;
    end if;
  end loop;
end;
$function$;

create event trigger ensure_rls on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
  execute function public.enable_rls_on_create();
comment on event trigger ensure_rls is 'every table in public has row level security';

create table public.guarded (id bigint generated always as identity primary key, body text);
do $$ begin
  if not (select relrowsecurity from pg_class where oid = 'public.guarded'::regclass) then
    raise exception 'the event trigger did not run';
  end if;
end $$;
