-- How many statements are prepared in this session: by SQL, a space, by the protocol. The gateway's transaction port asks
-- it before a backend goes from one client to the next; names and texts stay closed to everybody.
create function pg_favo.count_prepared() returns text
language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
  select count(*) filter (where from_sql) || ' ' || count(*) filter (where not from_sql) from pg_prepared_statement()
$$;
grant execute on function pg_favo.count_prepared() to public;
