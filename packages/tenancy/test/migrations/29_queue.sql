-- A queue with SKIP LOCKED, and a role for its workers.
create table public.jobs (
  id bigint generated always as identity primary key,
  payload jsonb not null,
  run_at timestamptz not null default now(),
  locked_by text
);
alter table public.jobs enable row level security;
grant select, update on public.jobs to app_worker;
create policy "workers take jobs" on public.jobs to app_worker using (true) with check (true);
alter policy "workers take jobs" on public.jobs to app_worker, service_role;
create function public.take_job(worker text) returns setof public.jobs language sql as $$
  update public.jobs set locked_by = worker
  where id = (select id from public.jobs where locked_by is null order by run_at for update skip locked limit 1)
  returning *
$$;
do $do$
begin
  execute $sql$ grant execute on function public.take_job(text) to app_worker $sql$;
  set local role app_worker;
  perform public.take_job('me');
  reset role;
end
$do$;
