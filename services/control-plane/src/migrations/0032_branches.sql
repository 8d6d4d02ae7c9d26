-- A branch is a project with a parent. The default branch stands for the parent itself.
create table control.branches (
  id uuid primary key default gen_random_uuid(),
  ref text not null,
  parent_ref text not null,
  name text not null,
  is_default boolean not null default false,
  git_branch text,
  is_persistent boolean not null default false,
  with_data boolean not null default false,
  resets_on_push boolean not null default false,
  status text not null default 'CREATING_PROJECT',
  -- Why its migrations failed.
  error text,
  notify_url text,
  review_requested_at timestamptz,
  -- It is deleted then.
  expires_at timestamptz,
  -- While a reset is underway: the database that goes when it ends, first the new one, after the exchange the old one.
  reset_database text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint branches_ref_key unique (ref),
  constraint branches_name_key unique (parent_ref, name),
  constraint branches_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade,
  -- Not on delete cascade: a branch has a database, which would be left behind.
  constraint branches_parent_ref_fkey foreign key (parent_ref) references control.projects (ref),
  constraint branches_name_length check (length(name) between 1 and 100),
  constraint branches_default_is_parent check (is_default = (ref = parent_ref)),
  constraint branches_status_known check (
    status in ('CREATING_PROJECT', 'RUNNING_MIGRATIONS', 'MIGRATIONS_PASSED', 'MIGRATIONS_FAILED',
      'FUNCTIONS_DEPLOYED', 'FUNCTIONS_FAILED')
  ),
  constraint branches_reset_database_form check (reset_database ~ '^p_[a-z]{16}$')
);
create index branches_expires_at_idx on control.branches (expires_at) where expires_at is not null;

create function control.touch_branch() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  new.updated_at := now();
  return new;
end
$$;
create trigger touch before update on control.branches
  for each row execute function control.touch_branch();

-- Branches go where their parent goes.
create function control.move_branches() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  update control.projects set organization_id = new.organization_id
  where ref in (select ref from control.branches where parent_ref = new.ref and not is_default);
  return null;
end
$$;
create trigger move_branches after update of organization_id on control.projects
  for each row when (old.organization_id <> new.organization_id) execute function control.move_branches();
