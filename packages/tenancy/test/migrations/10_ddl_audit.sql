create schema if not exists audit;
create table audit.ddl_log (
  id bigint generated always as identity primary key,
  happened_at timestamptz not null default clock_timestamp(),
  tag text,
  object text
);
create function audit.note_ddl() returns event_trigger language plpgsql as $$
declare
  r record;
begin
  for r in select * from pg_event_trigger_ddl_commands() loop
    insert into audit.ddl_log (tag, object) values (tg_tag, r.object_identity);
  end loop;
end
$$;
create event trigger note_ddl on ddl_command_end execute function audit.note_ddl();

create function audit.note_drops() returns event_trigger language plpgsql as $$
begin
  insert into audit.ddl_log (tag, object)
  select 'DROP ' || object_type, object_identity from pg_event_trigger_dropped_objects() where original;
end; -- the end
$$;
create event trigger note_drops on sql_drop when tag in ('DROP TABLE') execute function audit.note_drops();

create table public.short_lived (id int);
drop table public.short_lived;
do $$ begin
  assert (select array_agg(distinct tag order by tag) from audit.ddl_log where object = 'public.short_lived')
    @> array['CREATE TABLE', 'DROP table'], 'both were noted';
end $$;
