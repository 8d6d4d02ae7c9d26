-- What the customer has set for sessions of the API (`alter database postgres set`, `alter role authenticator set`). On
-- Supabase it holds for the service key, too. Here that has a login of its own, under which the platform's services parse
-- values and which therefore starts with none of it: a request with the service key sets it for its own transaction.
create function pg_favo.api_settings() returns table (name text, value text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
  select split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
  from pg_db_role_setting, unnest(setconfig) entry
  where setdatabase = (select oid from pg_database where datname = current_database())
    and setrole = (select oid from pg_authid where rolname = current_database() || '_api')
  except
  select defaults.name, defaults.value from pg_favo.login_defaults defaults where defaults.suffix = '_api'
$$;

revoke all on function pg_favo.api_settings() from public;
grant execute on function pg_favo.api_settings() to service_role;
