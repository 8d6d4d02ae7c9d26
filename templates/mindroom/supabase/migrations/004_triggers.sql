-- What happens by itself. Trigger functions need no EXECUTE to fire, so nobody gets it.

-- Accounts follow the users of Auth. Runs with its owner's rights, as the one who signs up has none yet. Users without an
-- address (phone, anonymous) get an account when they get an address.
create function sync_account_with_user() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if new.email is null or new.email = '' then
    return null;
  end if;
  -- Names come from the person who signs up: shown, never trusted.
  insert into public.accounts (id, email, full_name, company_name)
  values (
    new.id,
    new.email,
    nullif(left(new.raw_user_meta_data ->> 'full_name', 200), ''),
    nullif(left(new.raw_user_meta_data ->> 'company_name', 200), '')
  )
  on conflict (id) do update set email = excluded.email;
  return null;
end
$$;

create trigger mindroom_create_account
  after insert on auth.users
  for each row execute function sync_account_with_user();

create trigger mindroom_update_account_email
  after update of email on auth.users
  for each row when (new.email is distinct from old.email)
  execute function sync_account_with_user();

-- Users who were there before this migration.
insert into accounts (id, email)
select id, email from auth.users where email <> ''
on conflict do nothing;

-- Limits follow the tier, unless the same statement sets them otherwise.
create function apply_plan_to_subscription() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_plan public.plans;
begin
  select * into strict v_plan from public.plans where tier = new.tier;
  if tg_op = 'INSERT' then
    new.max_agents := coalesce(new.max_agents, v_plan.max_agents);
    new.max_messages_per_day := coalesce(new.max_messages_per_day, v_plan.max_messages_per_day);
    new.max_storage_gb := coalesce(new.max_storage_gb, v_plan.max_storage_gb);
    if new.status = 'trialing' and new.trial_ends_at is null and v_plan.trial_days > 0 then
      new.trial_ends_at := now() + make_interval(days => v_plan.trial_days);
    end if;
  else
    if new.max_agents is not distinct from old.max_agents then
      new.max_agents := v_plan.max_agents;
    end if;
    if new.max_messages_per_day is not distinct from old.max_messages_per_day then
      new.max_messages_per_day := v_plan.max_messages_per_day;
    end if;
    if new.max_storage_gb is not distinct from old.max_storage_gb then
      new.max_storage_gb := v_plan.max_storage_gb;
    end if;
  end if;
  return new;
end
$$;

create trigger apply_plan_on_insert
  before insert on subscriptions
  for each row execute function apply_plan_to_subscription();

create trigger apply_plan_on_change
  before update of tier on subscriptions
  for each row when (new.tier is distinct from old.tier)
  execute function apply_plan_to_subscription();

create function apply_plan_to_instance() returns trigger
language plpgsql
set search_path = ''
as $$
declare
  v_plan public.plans;
begin
  select p.* into v_plan
  from public.subscriptions s
  join public.plans p on p.tier = s.tier
  where s.id = new.subscription_id;
  new.memory_limit_mb := coalesce(new.memory_limit_mb, v_plan.memory_limit_mb);
  new.cpu_limit := coalesce(new.cpu_limit, v_plan.cpu_limit);
  return new;
end
$$;

create trigger apply_plan_on_insert
  before insert on instances
  for each row execute function apply_plan_to_instance();

-- A row is the only thing that knows of the app: it may go when the app is gone.
create function refuse_deleting_live_instance() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise object_in_use using
    message = format('instance %s is %s', old.id, old.status),
    hint = 'Deprovision it first.';
end
$$;

create trigger refuse_deleting_live_instance
  before delete on instances
  for each row when (old.status <> 'deprovisioned')
  execute function refuse_deleting_live_instance();

create function set_updated_at() returns trigger
language plpgsql
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end
$$;

create trigger set_updated_at before update on plans
  for each row execute function set_updated_at();
create trigger set_updated_at before update on accounts
  for each row execute function set_updated_at();
create trigger set_updated_at before update on subscriptions
  for each row execute function set_updated_at();
create trigger set_updated_at before update on instances
  for each row execute function set_updated_at();
create trigger set_updated_at before update on instance_secrets
  for each row execute function set_updated_at();

revoke execute on function
  sync_account_with_user(),
  apply_plan_to_subscription(),
  apply_plan_to_instance(),
  refuse_deleting_live_instance(),
  set_updated_at()
  from public, anon, authenticated, service_role;
