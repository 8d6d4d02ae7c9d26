drop publication if exists all_changes;
create publication all_changes for all tables;
create publication public_changes for tables in schema public with (publish = 'insert, update');
create table public.published_later (id int primary key);
alter publication all_changes owner to postgres;
do $$ begin
  assert (select count(*) from pg_publication_tables
    where tablename in ('published_later', 'chat_messages') and pubname in ('all_changes', 'public_changes')) = 4;
  assert not exists (select from pg_publication_tables where pubname = 'all_changes' and schemaname = 'auth');
end $$;
drop publication public_changes;
begin;
  drop publication if exists supabase_realtime;
  create publication supabase_realtime;
commit;
alter publication supabase_realtime add table public.chat_messages;
