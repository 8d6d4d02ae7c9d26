-- What a project has chosen for its storage; like the others only what differs from the defaults.
alter table control.project_settings add column storage jsonb not null default '{}';
alter table control.project_settings add constraint project_settings_storage_object
  check (jsonb_typeof(storage) = 'object');
