do $$
begin
  raise warning 'pgsodium: its functions are not on this server; for secrets use supabase_vault, for hashes pgcrypto';
end
$$;
