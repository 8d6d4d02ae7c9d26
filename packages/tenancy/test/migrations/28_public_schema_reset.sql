-- What ORMs do before they begin anew, in a schema of its own here.
create schema scratch;
create table scratch.t (id int);
drop schema scratch cascade;
grant usage on schema public to postgres, anon, authenticated, service_role;
grant all on all tables in schema public to postgres, service_role;
grant all on all functions in schema public to postgres, service_role;
grant all on all sequences in schema public to postgres, anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to postgres, anon, authenticated, service_role;
