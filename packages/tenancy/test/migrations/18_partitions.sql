create table public.events (id bigint generated always as identity, at timestamptz not null, payload jsonb)
  partition by range (at);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
create table public.events_rest partition of public.events default;
create index on public.events using brin (at);
alter table public.events enable row level security;
create statistics public.events_stats on id, at from public.events;
