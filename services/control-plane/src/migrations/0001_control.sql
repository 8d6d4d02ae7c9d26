-- What the platform knows of its projects, in the platform project's own database. The schema belongs to the control
-- plane's login and no API role may use it.

create table control.organizations (
  id text primary key,
  name text not null,
  created_at timestamptz not null default now(),
  constraint organizations_id_form check (id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  constraint organizations_name_length check (length(name) between 1 and 256)
);

insert into control.organizations (id, name) values ('default', 'Default');

create table control.projects (
  ref text primary key,
  -- The Management API numbers projects too.
  id bigint not null generated always as identity,
  organization_id text not null,
  name text not null,
  subdomain text not null,
  -- Also the stem of the logins. Says nothing about the project, because names of databases cannot be hidden.
  database text not null,
  region text not null,
  status text not null,
  -- The step underway, for people who watch; null at rest.
  step text,
  -- Why the last change of status failed.
  error text,
  -- The process that works on a change of status. Rows whose process is gone are settled by another one.
  instance integer,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint projects_id_key unique (id),
  constraint projects_database_key unique (database),
  constraint projects_organization_id_fkey foreign key (organization_id) references control.organizations (id),
  constraint projects_ref_form check (ref ~ '^[a-z]{20}$'),
  constraint projects_name_length check (length(name) between 1 and 256),
  constraint projects_database_form check (database ~ '^p_[a-z]{16}$'),
  constraint projects_region_length check (length(region) between 1 and 64),
  constraint projects_status_known check (
    status in ('COMING_UP', 'ACTIVE_HEALTHY', 'INACTIVE', 'PAUSING', 'RESTORING', 'INIT_FAILED', 'GOING_DOWN')
  ),
  constraint projects_instance_while_changing check (
    (instance is not null) = (status in ('COMING_UP', 'PAUSING', 'RESTORING', 'GOING_DOWN'))
  ),
  constraint projects_subdomain_form check (
    subdomain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' and subdomain !~ '^[a-z]{20}$'
  ),
  -- Hosts that the platform, its documentation or a mail client of its domain uses or may come to use.
  constraint projects_subdomain_free check (
    subdomain <> all (array[
      'account', 'accounts', 'admin', 'analytics', 'api', 'app', 'assets', 'auth', 'autoconfig', 'autodiscover',
      'billing', 'cdn', 'console', 'control', 'dashboard', 'db', 'docs', 'favo',
      'files', 'ftp', 'functions', 'git', 'grafana', 'graphql', 'health', 'help', 'hooks', 'imap', 'internal',
      'legal', 'localhost', 'login', 'logs', 'mail', 'marketplace', 'master', 'metrics', 'monitoring', 'mx', 'ns', 'ns1',
      'ns2', 'oauth', 'platform', 'pooler', 'pop', 'postgres', 'postmaster', 'private', 'prometheus', 'proxy', 'public',
      'realtime', 'rest', 'root', 'security', 'server', 'smtp', 'ssh', 'sso', 'static', 'stats',
      'status', 'storage', 'studio', 'supabase', 'support', 'system', 'vpn', 'webhooks', 'webmaster', 'well-known',
      'www'
    ])
  )
);

-- A project that never came up holds neither its subdomain nor (see insertProject) its ref.
create unique index projects_subdomain_key on control.projects (subdomain) where status <> 'INIT_FAILED';
create index projects_organization_id_idx on control.projects (organization_id);
create index projects_changing_idx on control.projects (instance) where instance is not null;

-- Sealed with the master key; the context names table, ref and column.
create table control.project_secrets (
  ref text primary key,
  jwt_secret text not null,
  constraint project_secrets_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade
);

create table control.api_keys (
  id uuid primary key default gen_random_uuid(),
  ref text not null,
  type text not null,
  name text not null,
  -- The first characters, to recognise the key by.
  prefix text not null,
  hash text not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint api_keys_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint api_keys_hash_key unique (hash),
  constraint api_keys_name_key unique (ref, type, name),
  constraint api_keys_type_known check (type in ('publishable', 'secret')),
  constraint api_keys_hash_form check (hash ~ '^[0-9a-f]{64}$')
);

-- Only what differs from the defaults, so that a better default reaches the projects that never chose.
create table control.project_settings (
  ref text primary key,
  rest jsonb not null default '{}',
  auth jsonb not null default '{}',
  constraint project_settings_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint project_settings_rest_object check (jsonb_typeof(rest) = 'object'),
  constraint project_settings_auth_object check (jsonb_typeof(auth) = 'object')
);

create table control.access_tokens (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  prefix text not null,
  hash text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  constraint access_tokens_hash_key unique (hash),
  constraint access_tokens_hash_form check (hash ~ '^[0-9a-f]{64}$'),
  constraint access_tokens_name_length check (length(name) between 1 and 100)
);

-- Every change of a project reaches the caches of all processes when it commits.
create function control.announce_project() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  perform pg_notify('favo_projects', coalesce(new.ref, old.ref));
  return null;
end
$$;

create function control.count_project_version() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end
$$;

-- Secrets, keys and settings are parts of the project: a change of theirs is a change of its.
create function control.touch_project() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  update control.projects set version = version where ref = coalesce(new.ref, old.ref);
  return null;
end
$$;

create trigger announce after insert or update or delete on control.projects
  for each row execute function control.announce_project();
create trigger count_version before update on control.projects
  for each row execute function control.count_project_version();
create trigger touch after insert or update or delete on control.project_secrets
  for each row execute function control.touch_project();
create trigger touch after insert or update or delete on control.api_keys
  for each row execute function control.touch_project();
create trigger touch after insert or update or delete on control.project_settings
  for each row execute function control.touch_project();
