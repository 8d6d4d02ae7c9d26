-- Roles that Supabase SQL mentions by name, once per cluster, as powerless labels.
--
-- A label cannot log in, owns nothing that is shared, creates neither roles nor databases, and nobody holds ADMIN OPTION
-- on it. Whoever may SET ROLE to one gets only what that name was granted *in the database the session is in*, and a session
-- never changes its database: so isolation rests on who may log in where (see sql/cluster/0002 and src/roles.ts).
--
-- Runs again at every start of the platform: whatever drifted is put right.
-- The superuser is favo_admin; it must not be called postgres, because that name belongs to the customers.
do $$
declare
  label text;
begin
  foreach label in array array[
    'anon', 'authenticated', 'service_role', 'authenticator', 'postgres', 'supabase_admin', 'supabase_auth_admin',
    'supabase_storage_admin', 'supabase_realtime_admin', 'supabase_functions_admin', 'supabase_replication_admin',
    'supabase_etl_admin', 'supabase_read_only_user', 'supabase_privileged_role', 'dashboard_user', 'pgbouncer',
    'pgsodium_keyiduser', 'pgsodium_keyholder', 'pgsodium_keymaker'
  ] loop
    if not exists (select from pg_roles where rolname = label) then
      execute format('create role %I nologin', label);
    end if;
    -- Only when needed: ALTER ROLE locks the row, and tenants' own statements may hold that lock for a while.
    if exists (
      select from pg_authid
      where rolname = label
        and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or not rolinherit
          or rolpassword is not null
          or rolbypassrls <> (label in ('service_role', 'postgres', 'supabase_admin')))
    ) then
      execute format(
        'alter role %I nologin nosuperuser nocreaterole nocreatedb noreplication inherit password null %s', label,
        case when label in ('service_role', 'postgres', 'supabase_admin') then 'bypassrls' else 'nobypassrls' end);
    end if;
  end loop;
end
$$;

-- Memberships, never WITH ADMIN OPTION. postgres owns everything of the customer's and may act as every role of Supabase's.
do $$
declare
  membership record;
begin
  for membership in
    select member.label as member, granted.label as granted
    from (values
      ('postgres', array['anon', 'authenticated', 'service_role', 'authenticator', 'supabase_admin',
        'supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin', 'supabase_functions_admin',
        'dashboard_user']),
      ('supabase_storage_admin', array['anon', 'authenticated', 'service_role'])
    ) member (label, granted), unnest(member.granted) granted (label)
    where not exists (
      select from pg_auth_members
      where roleid = granted.label::regrole and pg_auth_members.member = member.label::regrole and not admin_option
    )
  loop
    execute format('grant %I to %I', membership.granted, membership.member);
    execute format('revoke admin option for %I from %I', membership.granted, membership.member);
  end loop;
end
$$;
