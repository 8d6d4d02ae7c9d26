-- What older guides install to tell the API of new tables.
create or replace function public.pgrst_watch() returns event_trigger language plpgsql as $$
begin
  notify pgrst, 'reload schema';
end;
$$;
drop event trigger if exists pgrst_watch;
create event trigger pgrst_watch on ddl_command_end execute procedure public.pgrst_watch();
alter event trigger pgrst_watch disable;
alter event trigger pgrst_watch enable;
alter event trigger pgrst_watch owner to postgres;
alter event trigger pgrst_watch rename to pgrst_watch_old;
drop event trigger pgrst_watch_old;
