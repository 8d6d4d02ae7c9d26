-- The audit row of a change of status is written with the end of the change, by whichever process that brings about; a change
-- that was rolled back leaves none.
alter table control.projects
  -- What is to be written, while the change is underway.
  add column change_audit jsonb;

create function control.write_change_audit() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op = 'DELETE' or new.error is null then
    insert into control.audit_log (
      request_id, actor_kind, actor_id, token_id, actor_name, operation, organization_id, project_ref, target, before,
      after, address
    )
    select request_id, actor_kind, actor_id, token_id, actor_name, operation, organization_id, project_ref, target,
      before, after, address
    from jsonb_populate_record(null::control.audit_log, old.change_audit);
  end if;
  if tg_op = 'DELETE' then
    return old;
  end if;
  new.change_audit := null;
  return new;
end
$$;

create trigger write_change_audit before update on control.projects
  for each row
  when (old.change_audit is not null and old.instance is not null and new.instance is null)
  execute function control.write_change_audit();
create trigger write_deletion_audit before delete on control.projects
  for each row when (old.change_audit is not null)
  execute function control.write_change_audit();
