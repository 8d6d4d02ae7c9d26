-- Who changed what. Without foreign keys: entries outlive what they speak of.
create table control.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  request_id text,
  -- Null: the platform itself.
  actor_kind text,
  -- Of the user; null for the operator's own token.
  actor_id text,
  -- The personal access token that was used.
  token_id text,
  -- The address by which people know the actor, as it was then.
  actor_name text,
  operation text not null,
  organization_id text,
  project_ref text,
  -- What was changed, when it is neither the project nor the organization itself.
  target text,
  before jsonb,
  after jsonb,
  -- HTTP status; null when written with the change itself, which then took place.
  status integer,
  address text,
  constraint audit_log_actor_kind_known check (actor_kind in ('operator', 'user'))
);

create index audit_log_organization_idx on control.audit_log (organization_id, id desc);
create index audit_log_project_idx on control.audit_log (project_ref, id desc) where project_ref is not null;

-- Not even the control plane's own login changes what is written. (It could drop the trigger; that leaves traces elsewhere.)
create function control.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete on control.audit_log
  for each row execute function control.refuse_audit_change();
create trigger no_truncate before truncate on control.audit_log
  for each statement execute function control.refuse_audit_change();
