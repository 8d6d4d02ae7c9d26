-- What a project's functions read from their environment. Sealed with the master key; the context names project and secret.
create table control.secrets (
  ref text not null,
  name text not null,
  sealed text not null,
  -- SHA-256 of the value, which lists show in its place.
  digest text not null,
  updated_at timestamptz not null default now(),
  constraint secrets_pkey primary key (ref, name),
  constraint secrets_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint secrets_name_form check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,255}$' and name !~ '^SUPABASE_'),
  constraint secrets_digest_form check (digest ~ '^[0-9a-f]{64}$')
);

alter table control.api_keys add column description text;
alter table control.api_keys add constraint api_keys_description_length check (length(description) <= 1024);
