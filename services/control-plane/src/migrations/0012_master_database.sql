-- The master database as SQL sees it: organizations, projects, users and user_organizations as updatable views in the platform
-- project's public schema, and functions that make and delete projects. People reach them with the platform project's keys
-- and their session; every row and every right is theirs by membership. The tables behind stay in `control`, which no API
-- role may use.

-- Where things are; each start writes it anew.
create table control.addresses (
  only_one boolean primary key default true,
  -- `{label}` stands for a ref or subdomain.
  project_url text not null,
  database_host text not null,
  database_port integer not null,
  constraint addresses_only_one check (only_one)
);

-- Projects to be made or deleted by a process: CREATE DATABASE cannot run in a function.
create table control.project_requests (
  ref text not null,
  kind text not null,
  -- The number that the project will have.
  project_id bigint not null,
  organization_id text not null,
  name text not null,
  requested_by uuid,
  created_at timestamptz not null default now(),
  attempts integer not null default 0,
  -- A process works on it until then; when it dies another one takes it.
  claimed_until timestamptz,
  error text,
  constraint project_requests_pkey primary key (ref, kind),
  constraint project_requests_kind_known check (kind in ('create', 'delete')),
  constraint project_requests_ref_form check (ref ~ '^[a-z]{20}$'),
  constraint project_requests_name_length check (length(name) between 1 and 256),
  constraint project_requests_organization_id_fkey
    foreign key (organization_id) references control.organizations (id) on delete cascade,
  constraint project_requests_requested_by_fkey foreign key (requested_by) references auth.users (id) on delete set null
);
create index project_requests_organization_id_idx on control.project_requests (organization_id);
create index project_requests_requested_by_idx on control.project_requests (requested_by);

create function control.announce_request() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  -- No ref looks like that.
  perform pg_notify('favo_projects', '!requests');
  return null;
end
$$;
create trigger announce after insert on control.project_requests
  for each statement execute function control.announce_request();

-- Who asks ------------------------------------------------------------------------------------------------------------

-- The role of the caller. Inside a function that runs as its owner, current_user would be the owner; `role` is still what
-- was set, and nobody can set it to a role that he may not take.
create function control.invoker() returns text
language sql stable
return case pg_catalog.current_setting('role')
  when 'none' then session_user::text
  else pg_catalog.current_setting('role')
end;

-- SQL of the platform project's owner, and the service key: servers that act for everybody.
create function control.is_trusted() returns boolean
language sql stable
return control.invoker() in ('postgres', 'service_role', pg_catalog.current_database() || '_db',
  pg_catalog.current_database() || '_own', pg_catalog.current_database() || '_ctl');

-- Who is signed in, as long as he may be.
create function control.me() returns uuid
language sql stable security definer set search_path = pg_catalog as $$
  select u.id
  from control.people u
  where control.invoker() = 'authenticated'
    and u.id::text = nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    and u.is_active and u.is_confirmed
$$;

create function control.sees_all() returns boolean
language sql stable security definer set search_path = pg_catalog as $$
  select control.is_trusted()
    or coalesce((select u.is_platform_administrator from control.people u where u.id = control.me()), false)
$$;

create function control.my_organizations() returns setof text
language sql stable security definer set search_path = pg_catalog as $$
  select m.organization_id from control.organization_members m where m.user_id = control.me()
$$;

create function control.rank(role text) returns integer
language sql immutable set search_path = pg_catalog as $$
  select array_position(array['read_only', 'developer', 'administrator', 'owner'], role)
$$;

-- Raises 404's and 403's counterparts unless the caller (or, for trusted callers, the one they act for) has that role.
create function control.require_role(organization text, needed text, acting uuid) returns void
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  actual text;
begin
  if acting is null and control.sees_all() then
    if not exists (select from control.organizations where id = organization and not is_platform) then
      raise no_data_found using message = 'There is no such organization.';
    end if;
    return;
  end if;
  select m.role into actual
  from control.organization_members m
  join control.people u on u.id = m.user_id and u.is_active
  where m.organization_id = organization and m.user_id = acting;
  if actual is null then
    raise no_data_found using message = 'There is no such organization.';
  elsif control.rank(actual) < control.rank(needed) then
    raise insufficient_privilege using message = format('It needs the role %s or a higher one.', needed);
  end if;
end
$$;

-- The one for whom something is done. Who is signed in acts for himself alone; a trusted caller says for whom, or for nobody
-- in particular (null). Platform administrators act as such where they name nobody.
create function control.acting(wanted uuid) returns uuid
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  signed_in uuid := control.me();
begin
  if control.is_trusted() then
    if wanted is not null and not exists (select from control.people where id = wanted and is_active) then
      raise no_data_found using message = 'There is no such user.';
    end if;
    return wanted;
  elsif signed_in is null or wanted is distinct from signed_in and wanted is not null then
    raise insufficient_privilege using message = 'Only for oneself.';
  elsif wanted is null and control.sees_all() then
    return null;
  end if;
  return signed_in;
end
$$;

create function control.note(
  operation text, organization text, ref text, target text, before jsonb, after jsonb, acting uuid default null
) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
  who uuid := coalesce(acting, control.me());
begin
  insert into control.audit_log (
    actor_kind, actor_id, actor_name, operation, organization_id, project_ref, target, before, after
  )
  values (
    case when who is null then 'operator' else 'user' end,
    who::text,
    coalesce((select email from control.people where id = who), control.invoker()),
    operation, organization, ref, target, before, after
  );
end
$$;

-- A ref or slug: 20 letters, from a source that cannot be guessed.
create function control.new_ref() returns text
language sql volatile set search_path = pg_catalog as $$
  select string_agg(chr(97 + (get_byte(bytes, i) * 256 + get_byte(bytes, i + 1)) % 26), '')
  from (
    -- Version and variant bits of a random uuid are fixed, hence the hash of several.
    select sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8'))
      || sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), 'UTF8')) as bytes
  ) random, generate_series(0, 38, 2) i
$$;

-- Views ---------------------------------------------------------------------------------------------------------------

create view public.organizations with (security_barrier) as
select o.id, o.name, o.id as slug, o.created_at
from control.organizations o
where not o.is_platform
  and ((select control.sees_all()) or o.id in (select control.my_organizations()));

create view public.user_organizations with (security_barrier) as
select m.user_id, m.organization_id, m.role, m.created_at
from control.organization_members m
where (select control.sees_all()) or m.organization_id in (select control.my_organizations());

-- Oneself, and those with whom one shares an organization. Passwords live in Auth and nowhere else.
create view public.users with (security_barrier) as
select u.id, u.email, u.created_at
from control.people u
where (select control.sees_all())
  or u.id = (select control.me())
  or exists (
    select from control.organization_members m
    where m.user_id = u.id and m.organization_id in (select control.my_organizations())
  );

create view public.projects with (security_barrier) as
select
  p.id, p.organization_id, p.name, p.subdomain as slug, p.ref as instance_id, p.ref, p.subdomain,
  format('postgresql://postgres.%s@%s:%s/postgres', p.ref, a.database_host, a.database_port) as database_url,
  replace(a.project_url, '{label}', p.ref) as api_url,
  case
    when d.ref is not null then 'deleting'
    when p.status = 'COMING_UP' then 'creating'
    when p.status = 'ACTIVE_HEALTHY' then 'active'
    when p.status = 'INACTIVE' then 'paused'
    when p.status = 'INIT_FAILED' then 'failed'
    when p.status = 'GOING_DOWN' then 'deleting'
    else lower(p.status)
  end as status,
  a.database_port as port, p.region, p.step, coalesce(p.error, d.error) as error, p.created_at
from control.projects p
cross join control.addresses a
left join control.project_requests d on d.ref = p.ref and d.kind = 'delete'
where not p.is_platform and p.status <> 'REMOVED'
  and ((select control.sees_all()) or p.organization_id in (select control.my_organizations()))
union all
select
  r.project_id, r.organization_id, r.name, null, r.ref, r.ref, null,
  format('postgresql://postgres.%s@%s:%s/postgres', r.ref, a.database_host, a.database_port),
  replace(a.project_url, '{label}', r.ref),
  case when r.error is null or r.claimed_until > now() then 'creating' else 'failed' end,
  a.database_port, 'local', null, r.error, r.created_at
from control.project_requests r
cross join control.addresses a
where r.kind = 'create'
  and not exists (select from control.projects p where p.ref = r.ref)
  and ((select control.sees_all()) or r.organization_id in (select control.my_organizations()));

-- Functions -----------------------------------------------------------------------------------------------------------

-- Claims a project and returns its row in state `creating`; a process makes it within moments.
create function public.create_project_instance(org_id text, project_name text, user_id uuid default null)
returns setof public.projects
language plpgsql volatile security definer set search_path = pg_catalog rows 1 as $$
declare
  acting uuid := control.acting(user_id);
  new_ref text := control.new_ref();
  number bigint;
begin
  perform control.require_role(org_id, 'administrator', acting);
  if project_name is null or length(btrim(project_name)) not between 1 and 256 then
    raise check_violation using message = 'project_name must have 1 to 256 characters.';
  end if;
  -- So that the organization is not deleted meanwhile.
  perform from control.organizations where id = org_id for share;
  number := nextval(pg_get_serial_sequence('control.projects', 'id'));
  insert into control.project_requests (ref, kind, project_id, organization_id, name, requested_by)
  values (new_ref, 'create', number, org_id, btrim(project_name), coalesce(acting, control.me()));
  perform control.note('projects.create', org_id, new_ref, null, null,
    jsonb_build_object('name', btrim(project_name)), acting);
  return query select p.* from public.projects p where p.id = number;
end
$$;

create function public.get_user_projects(user_id uuid default null) returns setof public.projects
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  wanted uuid := coalesce(user_id, control.me());
begin
  -- Another one's list is empty, as that of nobody is.
  if not control.sees_all() and wanted is distinct from control.me() then
    return;
  end if;
  return query
    select p.* from public.projects p
    where wanted is null or p.organization_id in (
      select m.organization_id from control.organization_members m where m.user_id = wanted
    )
    order by p.id;
end
$$;

-- Marks a project for deletion; a process carries it out. False when there is none of that number for the caller.
create function public.delete_project_instance(project_id bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
  found_project record;
begin
  select p.ref, p.id, p.organization_id, p.name into found_project from public.projects p where p.id = project_id;
  if not found then
    return false;
  end if;
  perform control.require_role(found_project.organization_id, 'administrator', control.acting(null));
  perform control.note('projects.delete', found_project.organization_id, found_project.ref, null,
    jsonb_build_object('name', found_project.name), null);
  delete from control.project_requests r
  where r.ref = found_project.ref and r.kind = 'create' and (r.claimed_until is null or r.claimed_until < now())
    and not exists (select from control.projects p where p.ref = r.ref);
  if found then
    return true;
  end if;
  insert into control.project_requests (ref, kind, project_id, organization_id, name, requested_by)
  values (found_project.ref, 'delete', found_project.id, found_project.organization_id, found_project.name, control.me())
  on conflict on constraint project_requests_pkey do nothing;
  return true;
end
$$;

-- Changes through the views -------------------------------------------------------------------------------------------

create function control.change_organization() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  acting uuid := control.acting(null);
begin
  if tg_op = 'INSERT' then
    if new.name is null or length(new.name) not between 1 and 256 then
      raise check_violation using message = 'name must have 1 to 256 characters.';
    end if;
    new.id := control.new_ref();
    new.slug := new.id;
    insert into control.organizations (id, name) values (new.id, new.name) returning created_at into new.created_at;
    if control.me() is not null then
      insert into control.organization_members (organization_id, user_id, role) values (new.id, control.me(), 'owner');
    end if;
    perform control.note('organizations.create', new.id, null, null, null, jsonb_build_object('name', new.name));
    return new;
  end if;
  perform control.require_role(old.id, 'owner', acting);
  if tg_op = 'UPDATE' then
    if (new.id, new.slug, new.created_at) is distinct from (old.id, old.slug, old.created_at) then
      raise feature_not_supported using message = 'Only the name of an organization can be changed.';
    end if;
    update control.organizations set name = new.name where id = old.id;
    perform control.note('organizations.update', old.id, null, null,
      jsonb_build_object('name', old.name), jsonb_build_object('name', new.name));
    return new;
  end if;
  perform from control.organizations where id = old.id for update;
  if exists (select from control.projects where organization_id = old.id)
    or exists (select from control.project_requests where organization_id = old.id) then
    raise foreign_key_violation using message = 'The organization still has projects. Delete or transfer them first.';
  end if;
  delete from control.organizations where id = old.id;
  perform control.note('organizations.delete', old.id, null, null, jsonb_build_object('name', old.name), null);
  return old;
end
$$;
create trigger change instead of insert or update or delete on public.organizations
  for each row execute function control.change_organization();

create function control.change_member() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  acting uuid := control.acting(null);
  touches_owner boolean;
begin
  if tg_op = 'INSERT' then
    -- Nobody is made a member without being asked: people are invited. Servers may.
    if not control.is_trusted() then
      raise insufficient_privilege using message = 'Members are invited, not inserted.';
    end if;
    insert into control.organization_members (organization_id, user_id, role)
    values (new.organization_id, new.user_id, coalesce(new.role, 'developer'))
    returning role, created_at into new.role, new.created_at;
    perform control.note('members.add', new.organization_id, null, new.user_id::text, null,
      jsonb_build_object('user_id', new.user_id, 'role', new.role));
    return new;
  end if;
  -- Changes of one organization's members wait for each other.
  perform from control.organizations where id = old.organization_id for update;
  if tg_op = 'UPDATE' then
    if (new.organization_id, new.user_id, new.created_at)
      is distinct from (old.organization_id, old.user_id, old.created_at) then
      raise feature_not_supported using message = 'Only the role of a member can be changed.';
    end if;
    touches_owner := 'owner' in (old.role, new.role);
    perform control.require_role(old.organization_id, case when touches_owner then 'owner' else 'administrator' end, acting);
    update control.organization_members set role = new.role
    where organization_id = old.organization_id and user_id = old.user_id;
    perform control.note('members.update', old.organization_id, null, old.user_id::text,
      jsonb_build_object('role', old.role), jsonb_build_object('role', new.role));
    return new;
  end if;
  if old.user_id is distinct from control.me() then
    perform control.require_role(old.organization_id,
      case when old.role = 'owner' then 'owner' else 'administrator' end, acting);
  end if;
  delete from control.organization_members where organization_id = old.organization_id and user_id = old.user_id;
  perform control.note('members.remove', old.organization_id, null, old.user_id::text,
    jsonb_build_object('role', old.role), null);
  return old;
end
$$;
create trigger change instead of insert or update or delete on public.user_organizations
  for each row execute function control.change_member();

create function control.change_project() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  made record;
begin
  if tg_op = 'INSERT' then
    select * into strict made from public.create_project_instance(new.organization_id, new.name);
    return made;
  elsif tg_op = 'UPDATE' then
    perform control.require_role(old.organization_id, 'administrator', control.acting(null));
    if (to_jsonb(new) - 'name') is distinct from (to_jsonb(old) - 'name') then
      raise feature_not_supported using message = 'Only the name of a project can be changed here.';
    end if;
    update control.projects set name = new.name where ref = old.ref;
    perform control.note('projects.update', old.organization_id, old.ref, null,
      jsonb_build_object('name', old.name), jsonb_build_object('name', new.name));
    return new;
  end if;
  perform public.delete_project_instance(old.id);
  return old;
end
$$;
create trigger change instead of insert or update or delete on public.projects
  for each row execute function control.change_project();

-- Who may call --------------------------------------------------------------------------------------------------------

revoke all on all functions in schema control from public;
-- They stand in the views, and views call functions as whoever asks. Schema control itself stays closed, so nobody can
-- call them by name.
grant execute on function control.invoker(), control.is_trusted(), control.me(), control.sees_all(),
  control.my_organizations() to public;

revoke all on public.organizations, public.user_organizations, public.users, public.projects from public, anon;
grant select, insert, update, delete on public.organizations, public.user_organizations, public.projects
  to authenticated, service_role, postgres;
grant select on public.users to authenticated, service_role, postgres;
revoke all on function public.create_project_instance(text, text, uuid), public.get_user_projects(uuid),
  public.delete_project_instance(bigint) from public, anon;
grant execute on function public.create_project_instance(text, text, uuid), public.get_user_projects(uuid),
  public.delete_project_instance(bigint) to authenticated, service_role, postgres;
