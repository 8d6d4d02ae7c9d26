-- Functions that clients call by rpc. Each has a fixed search_path, so that nobody can put a table of the same name in front,
-- and each says who may execute it: Supabase lets anon and authenticated execute new functions.
--
-- Refusals are raised with SQLSTATE PTxyz, which the REST API answers as HTTP status xyz.

-- The customer's instance: running, or on its way there, or broken. Runs with the caller's rights, so customers find
-- only their own, whatever id they give; the service finds anybody's.
create function get_user_instance(user_id uuid default auth.uid())
returns table (
  instance_id uuid,
  subdomain text,
  frontend_url text,
  backend_url text,
  status instance_status,
  tier subscription_tier
)
language sql stable
set search_path = ''
as $$
  select i.id, i.subdomain, i.frontend_url, i.backend_url, i.status, s.tier
  from public.instances i
  join public.subscriptions s on s.id = i.subscription_id
  where s.account_id = get_user_instance.user_id
    and s.status not in ('cancelled', 'incomplete_expired')
    and i.status <> 'deprovisioned'
  order by i.created_at desc, i.id
  limit 1
$$;

-- Counts one message (no tool named) or one call of a tool (tool named). A message that goes over the day's limit is refused
-- and not counted. Called with the service key, by whatever runs the instances.
--
-- PT404 no such instance, or it is deprovisioned; PT402 its subscription does not entitle to messages;
-- PT429 the day's messages are used up; PT400 a name is empty or too long.
create function track_usage(
  p_instance_id uuid,
  p_agent_name text default null,
  p_tool_name text default null
) returns void
language plpgsql
set search_path = ''
as $$
declare
  v_today constant date := (now() at time zone 'utc')::date;
  v_is_message constant boolean := p_tool_name is null;
  v_subscription public.subscriptions;
begin
  if length(p_agent_name) not between 1 and 100 or length(p_tool_name) not between 1 and 100 then
    raise sqlstate 'PT400' using message = 'names of agents and tools have 1 to 100 characters';
  end if;

  -- The lock makes callers at the limit queue up here; each sees the counter of the one before.
  select s.* into v_subscription
  from public.instances i
  join public.subscriptions s on s.id = i.subscription_id
  where i.id = p_instance_id and i.status <> 'deprovisioned'
  for no key update of s;
  if not found then
    raise sqlstate 'PT404' using message = 'instance not found';
  end if;

  if v_subscription.status not in ('trialing', 'active', 'past_due')
    or (v_subscription.status = 'trialing' and v_subscription.trial_ends_at <= now()) then
    raise sqlstate 'PT402' using
      message = 'the subscription is not active',
      detail = format('status: %s', v_subscription.status);
  end if;

  if v_is_message then
    update public.subscriptions
    set current_messages_today = case when last_reset_at < v_today then 1 else current_messages_today + 1 end,
        last_reset_at = greatest(last_reset_at, v_today)
    where id = v_subscription.id
      and (
        max_messages_per_day is null
        or case when last_reset_at < v_today then 0 else current_messages_today end < max_messages_per_day
      );
    if not found then
      raise sqlstate 'PT429' using
        message = 'daily message limit reached',
        detail = format('%s messages a day', v_subscription.max_messages_per_day),
        hint = 'The counter starts again at 00:00 UTC.';
    end if;
  end if;

  insert into public.usage_metrics as m (instance_id, date, messages_sent, agents_used, tools_used)
  values (
    p_instance_id,
    v_today,
    v_is_message::integer,
    case when v_is_message and p_agent_name is not null then jsonb_build_object(p_agent_name, 1) else '{}' end,
    case when v_is_message then '{}' else jsonb_build_object(p_tool_name, 1) end
  )
  on conflict (instance_id, date) do update
  set messages_sent = m.messages_sent + excluded.messages_sent,
      agents_used = public.add_counts(m.agents_used, excluded.agents_used),
      tools_used = public.add_counts(m.tools_used, excluded.tools_used);
end
$$;

-- {"a": 1} and {"a": 2, "b": 1} make {"a": 3, "b": 1}.
create function add_counts(a jsonb, b jsonb) returns jsonb
language sql immutable
set search_path = ''
as $$
  select a || coalesce(jsonb_object_agg(key, coalesce((a ->> key)::bigint, 0) + value::bigint), '{}')
  from jsonb_each_text(b)
$$;

-- The one place where Stripe's words become ours. Raises on a word that Stripe may add one day: better a retried webhook
-- than a customer in the wrong state.
create function subscription_status_from_stripe(status text) returns subscription_status
language sql immutable
set search_path = ''
as $$
  select (case status when 'canceled' then 'cancelled' else status end)::public.subscription_status
$$;

-- Takes a former customer out of the database. Raises (55006, object_in_use) while something is paid for or still runs.
-- The user in Auth is the caller's to delete; audit logs stay, without the account.
create function erase_account(p_account_id uuid) returns void
language plpgsql
set search_path = ''
as $$
begin
  perform from public.accounts where id = p_account_id for update;
  if exists (
    select from public.subscriptions
    where account_id = p_account_id and status not in ('cancelled', 'incomplete_expired')
      and stripe_subscription_id is not null
  ) then
    raise object_in_use using
      message = 'the account has a subscription at Stripe',
      hint = 'Cancel it first.';
  end if;
  -- Instances that still run are refused by their trigger (004).
  delete from public.instances i
  using public.subscriptions s
  where s.id = i.subscription_id and s.account_id = p_account_id;
  delete from public.subscriptions where account_id = p_account_id;
  delete from public.accounts where id = p_account_id;
end
$$;

revoke execute on function
  get_user_instance(uuid),
  track_usage(uuid, text, text),
  add_counts(jsonb, jsonb),
  subscription_status_from_stripe(text),
  erase_account(uuid)
  from public, anon, authenticated, service_role;
grant execute on function get_user_instance(uuid) to authenticated, service_role;
grant execute on function
  track_usage(uuid, text, text),
  add_counts(jsonb, jsonb),
  subscription_status_from_stripe(text),
  erase_account(uuid)
  to service_role;
