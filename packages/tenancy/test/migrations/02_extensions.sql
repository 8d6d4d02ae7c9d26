create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists citext;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists unaccent with schema extensions;
create extension if not exists moddatetime schema extensions;
comment on extension citext is 'case-insensitive character strings';
alter extension citext set schema extensions;
alter extension pg_trgm update;
drop extension if exists "pg_net";

create table public.tags (
  id uuid primary key default extensions.uuid_generate_v4(),
  label extensions.citext not null unique,
  touched_at timestamptz not null default now()
);
create index tags_label_trgm on public.tags using gin ((label::text) extensions.gin_trgm_ops);
create trigger tags_touched before update on public.tags
  for each row execute function extensions.moddatetime (touched_at);
