create table public.posts (
  id uuid primary key default gen_random_uuid(),
  author_id uuid not null default auth.uid() references auth.users (id),
  title text not null,
  deleted_at timestamptz,
  search tsvector generated always as (to_tsvector('english', title)) stored
);
alter table public.posts enable row level security;
create index posts_search on public.posts using gin (search);
create view public.live_posts with (security_invoker = true) as select * from public.posts where deleted_at is null;
create materialized view public.post_counts as select author_id, count(*) from public.posts group by 1;
create unique index on public.post_counts (author_id);
create rule posts_soft_delete as on delete to public.posts do instead
  update public.posts set deleted_at = now() where id = old.id;
revoke all on public.post_counts from anon, authenticated;
