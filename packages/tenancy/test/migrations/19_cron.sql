create extension if not exists pg_cron with schema pg_catalog;
grant usage on schema cron to postgres;
grant all privileges on all tables in schema cron to postgres;
select cron.schedule('nightly-clean-up', '30 3 * * *', $$delete from public.posts where deleted_at < now() - interval '30 days'$$);
select cron.schedule('nightly-clean-up', '0 4 * * *', $$select 1$$);
select cron.schedule('every-30-seconds', '30 seconds', 'select 1');
do $$ begin
  assert (select count(*) from cron.job) = 2;
  perform cron.unschedule('every-30-seconds');
end $$;
