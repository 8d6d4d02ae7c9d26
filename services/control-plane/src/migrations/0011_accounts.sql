-- Who may do what. Identity lives in the platform project's Auth; here is what a person is to the platform.

create table control.platform_administrators (
  user_id uuid primary key,
  created_at timestamptz not null default now(),
  constraint platform_administrators_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade
);

-- People as the control plane sees them. Banned, deleted and anonymous ones are not active.
create view control.people as
select
  u.id,
  lower(u.email::text) as email,
  u.email_confirmed_at is not null as is_confirmed,
  u.deleted_at is null
    and (u.banned_until is null or u.banned_until < now())
    and not u.is_anonymous
    and u.email is not null as is_active,
  exists (select from control.platform_administrators a where a.user_id = u.id) as is_platform_administrator,
  exists (select from auth.mfa_factors f where f.user_id = u.id and f.status = 'verified') as has_factor,
  u.created_at
from auth.users u;

-- The platform project: the tenant whose database this is. It can't be paused, deleted or given away.
alter table control.organizations add column is_platform boolean not null default false;
alter table control.projects add column is_platform boolean not null default false;
create unique index projects_is_platform_key on control.projects (is_platform) where is_platform;
create unique index organizations_is_platform_key on control.organizations (is_platform) where is_platform;
alter table control.projects
  drop constraint projects_database_form,
  add constraint projects_database_form check (database ~ '^p_[a-z]{16}$' or is_platform);
alter table control.projects
  drop constraint projects_subdomain_free,
  add constraint projects_subdomain_free check (
    is_platform or subdomain <> all (array[
      'account', 'accounts', 'admin', 'analytics', 'api', 'app', 'assets', 'auth', 'autoconfig', 'autodiscover',
      'billing', 'cdn', 'console', 'control', 'dashboard', 'db', 'docs', 'favo',
      'files', 'ftp', 'functions', 'git', 'grafana', 'graphql', 'health', 'help', 'hooks', 'imap', 'internal',
      'legal', 'localhost', 'login', 'logs', 'mail', 'marketplace', 'master', 'metrics', 'monitoring', 'mx', 'ns', 'ns1',
      'ns2', 'oauth', 'platform', 'pooler', 'pop', 'postgres', 'postmaster', 'private', 'prometheus', 'proxy', 'public',
      'realtime', 'rest', 'root', 'security', 'server', 'smtp', 'ssh', 'sso', 'static', 'stats',
      'status', 'storage', 'studio', 'supabase', 'support', 'system', 'vpn', 'webhooks', 'webmaster', 'well-known',
      'www'
    ])
  );
alter table control.projects add constraint projects_platform_stays check (
  not is_platform or (status = 'ACTIVE_HEALTHY' and organization_id = 'platform')
);

create function control.keep_platform_project() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if old.is_platform then
    raise exception 'the platform project stays'
      using errcode = 'check_violation', schema = 'control', table = tg_table_name, constraint = 'projects_platform_stays';
  end if;
  return old;
end
$$;
create trigger keep_platform before delete on control.projects
  for each row execute function control.keep_platform_project();

create table control.organization_members (
  organization_id text not null,
  user_id uuid not null,
  role text not null,
  created_at timestamptz not null default now(),
  constraint organization_members_pkey primary key (organization_id, user_id),
  constraint organization_members_organization_id_fkey
    foreign key (organization_id) references control.organizations (id) on delete cascade,
  constraint organization_members_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  constraint organization_members_role_known check (role in ('read_only', 'developer', 'administrator', 'owner'))
);
create index organization_members_user_id_idx on control.organization_members (user_id);

-- An organization that has an owner keeps one. The lock puts changes of one organization's owners in a row, so that of two
-- owners who leave at once the second sees that the first is gone. When the organization or the person itself is deleted,
-- there is nothing to keep.
create function control.keep_an_owner() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if old.role <> 'owner' or (tg_op = 'UPDATE' and new.role = 'owner' and new.user_id = old.user_id) then
    return coalesce(new, old);
  end if;
  perform from control.organizations where id = old.organization_id for update;
  if not found or not exists (select from control.people where id = old.user_id) then
    return coalesce(new, old);
  end if;
  if not exists (
    select from control.organization_members
    where organization_id = old.organization_id and role = 'owner' and user_id <> old.user_id
  ) then
    raise exception 'an organization needs an owner'
      using errcode = 'check_violation', schema = 'control', table = 'organization_members',
        constraint = 'organization_members_last_owner';
  end if;
  return coalesce(new, old);
end
$$;
create trigger keep_an_owner before update or delete on control.organization_members
  for each row execute function control.keep_an_owner();

-- Tokens of before, and those that the operator makes for nobody, belong to the platform.
alter table control.access_tokens
  add column user_id uuid,
  -- Null: everything that the user may.
  add column scopes text[],
  add constraint access_tokens_user_id_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  add constraint access_tokens_scopes_some check (cardinality(scopes) > 0);
create index access_tokens_user_id_idx on control.access_tokens (user_id);

create table control.invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id text not null,
  -- In lower case.
  email text not null,
  role text not null,
  -- Null: the operator.
  invited_by uuid,
  token_hash text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint invitations_organization_id_fkey
    foreign key (organization_id) references control.organizations (id) on delete cascade,
  constraint invitations_invited_by_fkey foreign key (invited_by) references auth.users (id) on delete cascade,
  constraint invitations_address_key unique (organization_id, email),
  constraint invitations_token_hash_key unique (token_hash),
  constraint invitations_token_hash_form check (token_hash ~ '^[0-9a-f]{64}$'),
  constraint invitations_email_form check (email = lower(email) and length(email) between 3 and 255),
  constraint invitations_role_known check (role in ('read_only', 'developer', 'administrator', 'owner'))
);
create index invitations_invited_by_idx on control.invitations (invited_by);

-- Side effects of what was committed. A row goes when it has been carried out; until then it is tried again.
create table control.outbox (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  -- Sealed with the master key, because invitations hold their token.
  sealed text not null,
  created_at timestamptz not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_error text,
  constraint outbox_kind_known check (kind in ('invitation'))
);
create index outbox_next_attempt_at_idx on control.outbox (next_attempt_at);
