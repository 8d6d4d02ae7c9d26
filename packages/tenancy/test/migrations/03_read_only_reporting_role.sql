-- A group for readers and a login in it.
create role reporting nologin;
grant usage on schema public to reporting;
grant select on all tables in schema public to reporting;
alter default privileges in schema public grant select on tables to reporting;
create policy "reporting reads profiles" on public.profiles for select to reporting using (true);
create user metabase with login password 'a "strong" one; it''s $long$' connection limit 3;
grant connect on database postgres to metabase;
grant reporting to metabase;
alter role metabase set statement_timeout = '90s';
alter role reporting set search_path to public, extensions;
