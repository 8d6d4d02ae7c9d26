-- Deletion with a time to think it over, restarts, and what became of a project step by step.

alter table control.projects
  -- A removed project's database is dropped then. Null while a project is in use, and in deletions without grace.
  add column purge_at timestamptz,
  -- The subdomain was chosen as such and is shown as the project's vanity subdomain.
  add column has_vanity_subdomain boolean not null default false;

alter table control.projects
  drop constraint projects_status_known,
  drop constraint projects_instance_while_changing;
alter table control.projects
  add constraint projects_status_known check (
    status in ('COMING_UP', 'ACTIVE_HEALTHY', 'INACTIVE', 'PAUSING', 'RESTORING', 'RESTARTING', 'INIT_FAILED',
      'GOING_DOWN', 'REMOVED')
  ),
  add constraint projects_instance_while_changing check (
    (instance is not null) = (status in ('COMING_UP', 'PAUSING', 'RESTORING', 'RESTARTING', 'GOING_DOWN'))
  ),
  add constraint projects_purge_when_removed check (status <> 'REMOVED' or purge_at is not null);

-- A removed project does not hold its subdomain; it gets another one when it comes back and that is taken.
drop index control.projects_subdomain_key;
create unique index projects_subdomain_key on control.projects (subdomain)
  where status not in ('INIT_FAILED', 'REMOVED');
create index projects_purge_at_idx on control.projects (purge_at) where status = 'REMOVED';

create table control.project_history (
  id bigint generated always as identity primary key,
  ref text not null,
  at timestamptz not null default clock_timestamp(),
  status text not null,
  step text,
  error text,
  constraint project_history_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade
);
create index project_history_ref_idx on control.project_history (ref, id);

create function control.note_project_step() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  insert into control.project_history (ref, status, step, error) values (new.ref, new.status, new.step, new.error);
  return null;
end
$$;

create trigger note_step after insert on control.projects
  for each row execute function control.note_project_step();
create trigger note_changed_step after update of status, step, error on control.projects
  for each row
  when ((old.status, old.step, old.error) is distinct from (new.status, new.step, new.error))
  execute function control.note_project_step();
