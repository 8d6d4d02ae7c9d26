drop trigger if exists on_auth_user_created on auth.users;
create or replace trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();
create trigger on_auth_user_changed after update of email on auth.users
  for each row when (old.email is distinct from new.email) execute function public.handle_new_user();
drop trigger on_auth_user_changed on auth.users;
create view public.members as select id, email from auth.users;
revoke all on public.members from anon, authenticated;
create function public.delete_me() returns void language sql security definer set search_path = ''
  as $$ delete from auth.users where id = auth.uid() $$;
grant select on auth.users to service_role;
create index if not exists sessions_of_user on auth.sessions (user_id);
