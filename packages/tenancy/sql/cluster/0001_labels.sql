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
    'pgsodium_keyiduser', 'pgsodium_keyholder', 'pgsodium_keymaker',
    -- Runs the copies of customers' event triggers (sql/platform/0012). It acts for postgres; nobody can become it.
    'favo_evt'
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
          or rolbypassrls <> (label in ('service_role', 'postgres', 'supabase_admin', 'favo_evt')))
    ) then
      execute format(
        'alter role %I nologin nosuperuser nocreaterole nocreatedb noreplication inherit password null %s', label,
        case when label in ('service_role', 'postgres', 'supabase_admin', 'favo_evt') then 'bypassrls' else 'nobypassrls' end);
    end if;
  end loop;
end
$$;

-- Memberships, never WITH ADMIN OPTION. postgres owns everything of the customer's and may act as every role of Supabase's.
-- Any other membership of a label would be one of every tenant's at once, so it is taken away.
do $$
declare
  wanted constant text[] := array[
    'postgres>anon', 'postgres>authenticated', 'postgres>service_role', 'postgres>authenticator',
    'postgres>supabase_admin', 'postgres>supabase_auth_admin', 'postgres>supabase_storage_admin',
    'postgres>supabase_realtime_admin', 'postgres>supabase_functions_admin', 'postgres>dashboard_user',
    'favo_evt>postgres', 'supabase_storage_admin>anon', 'supabase_storage_admin>authenticated', 'supabase_storage_admin>service_role'
  ];
  membership record;
begin
  for membership in
    select member.rolname as member, granted.rolname as granted, admin_option,
      member.rolname || '>' || granted.rolname = any (wanted) as is_wanted
    from pg_auth_members
    join pg_roles member on member.oid = pg_auth_members.member
    join pg_roles granted on granted.oid = roleid
    where not member.rolcanlogin and not starts_with(member.rolname, 'pg_') and not starts_with(member.rolname, 'p_')
  loop
    if not membership.is_wanted then
      execute format('revoke %I from %I', membership.granted, membership.member);
    elsif membership.admin_option then
      execute format('revoke admin option for %I from %I', membership.granted, membership.member);
    end if;
  end loop;

  for membership in
    select split_part(pair, '>', 1) as member, split_part(pair, '>', 2) as granted from unnest(wanted) pair
  loop
    if not exists (
      select from pg_auth_members
      where roleid = membership.granted::regrole and member = membership.member::regrole
    ) then
      execute format('grant %I to %I', membership.granted, membership.member);
    end if;
  end loop;
end
$$;
