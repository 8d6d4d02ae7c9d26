do $$
begin
  if not exists (select 1 from pg_catalog.pg_roles where rolname = 'app_worker') then
    create role app_worker noinherit nologin; -- no one signs in as it
  end if;
  if not exists (select from pg_user where usename = 'queue_reader') then
    create user queue_reader password 'pw';
  end if;
end
$$;

-- Run again, as a second developer does.
do $$
begin
  if not exists (select 1 from pg_catalog.pg_roles where rolname = 'app_worker') then
    create role app_worker noinherit nologin;
  end if;
  begin
    create role app_worker;
  exception when duplicate_object then
    raise notice 'role app_worker is there already';
  end;
  execute 'grant app_worker to queue_reader';
end
$$;
grant app_worker to postgres;
grant usage on schema public to app_worker;
