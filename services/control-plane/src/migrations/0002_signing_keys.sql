-- Keys that a project's user tokens are signed with. The legacy row stands for the project's JWT secret, which is in
-- project_secrets; it is there once a project has had another key.
create table control.signing_keys (
  id uuid primary key,
  ref text not null,
  algorithm text not null,
  status text not null,
  is_legacy boolean not null default false,
  -- Null for symmetric keys.
  public_jwk jsonb,
  -- The private JWK, sealed with the master key; the context names project and key.
  sealed text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint signing_keys_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  constraint signing_keys_algorithm_known check (algorithm in ('HS256', 'ES256', 'RS256')),
  constraint signing_keys_status_known check (status in ('in_use', 'standby', 'previously_used', 'revoked')),
  constraint signing_keys_sealed_unless_legacy check ((sealed is null) = is_legacy)
);
-- One key signs; of two rotations at once one wins.
create unique index signing_keys_in_use_key on control.signing_keys (ref) where status = 'in_use';
create unique index signing_keys_legacy_key on control.signing_keys (ref) where is_legacy;
create index signing_keys_ref_idx on control.signing_keys (ref);

create trigger touch after insert or update or delete on control.signing_keys
  for each row execute function control.touch_project();
