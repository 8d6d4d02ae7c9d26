-- Secrets in vault.secrets, encrypted with a key of the project's own that SQL of API requests never reaches.

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea,
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);
create unique index secrets_name_idx on vault.secrets (name) where name is not null;

create function vault.encrypt_secret(secret text) returns text
language sql volatile set search_path = pg_catalog, pg_temp
as $$ select encode(extensions.pgp_sym_encrypt(secret, pg_favo.vault_key()), 'base64') $$;

-- Null for one that another project's key encrypted: a dump has the secrets, not the key.
create function vault.decrypt_secret(secret text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
  return extensions.pgp_sym_decrypt(decode(secret, 'base64'), pg_favo.vault_key());
exception when external_routine_invocation_exception or invalid_parameter_value or data_exception then
  return null;
end
$$;

create view vault.decrypted_secrets with (security_invoker = true) as
select id, name, description, secret, vault.decrypt_secret(secret) as decrypted_secret, key_id, nonce, created_at,
  updated_at
from vault.secrets;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid
language sql set search_path = pg_catalog, pg_temp
as $$
  insert into vault.secrets (secret, name, description)
  values (vault.encrypt_secret(new_secret), new_name, new_description)
  returning id
$$;

-- What is null stays as it is.
create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
) returns void
language sql set search_path = pg_catalog, pg_temp
as $$
  update vault.secrets set
    secret = case when new_secret is null then secret else vault.encrypt_secret(new_secret) end,
    name = coalesce(new_name, name),
    description = coalesce(new_description, description),
    updated_at = now()
  where id = secret_id
$$;

revoke all on all functions in schema vault from public;
revoke all on vault.secrets, vault.decrypted_secrets from public;
grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on all functions in schema vault to service_role;

select pg_extension_config_dump('vault.secrets', '');
