-- Host names of a project's own, from where Postgres may be reached, and Postgres settings.

create table control.domains (
  id uuid primary key default gen_random_uuid(),
  ref text not null,
  hostname text not null,
  -- What the owner of the name puts into its TXT record.
  token text not null,
  status text not null default 'pending',
  -- The one that the Management API knows as the project's custom hostname.
  is_custom_hostname boolean not null default false,
  -- Why the last look at the name server did not verify it.
  error text,
  created_at timestamptz not null default now(),
  checked_at timestamptz,
  verified_at timestamptz,
  constraint domains_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint domains_hostname_key unique (ref, hostname),
  constraint domains_hostname_form check (
    length(hostname) <= 253
    and hostname ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'
  ),
  constraint domains_status_known check (status in ('pending', 'verified', 'active'))
);
-- Anybody may try to claim a name; it belongs to the first who proved that it is his.
create unique index domains_owner_key on control.domains (hostname) where status <> 'pending';
create unique index domains_custom_hostname_key on control.domains (ref) where is_custom_hostname;

create table control.network_restrictions (
  ref text primary key,
  allowed_cidrs cidr[] not null,
  -- What was allowed before the last change.
  old_cidrs cidr[],
  updated_at timestamptz not null default now(),
  constraint network_restrictions_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint network_restrictions_count check (cardinality(allowed_cidrs) <= 200)
);

create table control.network_bans (
  ref text not null,
  address inet not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint network_bans_pkey primary key (ref, address),
  constraint network_bans_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade
);

alter table control.project_settings
  add column postgres jsonb not null default '{}',
  add constraint project_settings_postgres_object check (jsonb_typeof(postgres) = 'object');

create trigger touch after insert or update or delete on control.domains
  for each row execute function control.touch_project();
create trigger touch after insert or update or delete on control.network_restrictions
  for each row execute function control.touch_project();
create trigger touch after insert or update or delete on control.network_bans
  for each row execute function control.touch_project();
