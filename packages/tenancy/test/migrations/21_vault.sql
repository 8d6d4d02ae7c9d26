create extension if not exists supabase_vault with schema vault;
select vault.create_secret('s3cret', 'service_key', 'for the webhook');
do $$ begin
  assert (select decrypted_secret from vault.decrypted_secrets where name = 'service_key') = 's3cret';
  assert (select secret from vault.secrets where name = 'service_key') not like '%s3cret%';
end $$;
create function public.hook_key() returns text language sql security definer set search_path = '' as $$
  select decrypted_secret from vault.decrypted_secrets where name = 'service_key'
$$;
revoke all on function public.hook_key() from public, anon, authenticated;
