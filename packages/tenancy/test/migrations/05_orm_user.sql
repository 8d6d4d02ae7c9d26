-- As the guides of ORMs ask for it.
create user "prisma" with password 'change-me' bypassrls createdb;
grant "prisma" to "postgres";
grant usage on schema public to prisma;
grant create on schema public to prisma;
grant all on all tables in schema public to prisma;
grant all on all routines in schema public to prisma;
grant all on all sequences in schema public to prisma;
alter default privileges for role postgres in schema public grant all on tables to prisma;
alter default privileges for role postgres in schema public grant all on routines to prisma;
alter default privileges for role postgres in schema public grant all on sequences to prisma;
alter default privileges for role prisma in schema public grant select on tables to anon, authenticated;
set role prisma;
create table public.made_by_prisma (id int primary key);
reset role;
grant pg_read_all_data to prisma;
do $$ begin
  assert has_table_privilege('anon', 'public.made_by_prisma', 'select'), 'default privileges of prisma';
  perform from public.made_by_prisma; -- what it makes, postgres reads
end $$;
