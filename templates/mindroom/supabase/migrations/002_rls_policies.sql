-- Who sees and changes what. Privileges first (Supabase grants everything on new tables to anon, authenticated and
-- service_role), then row level security. Columns that a customer must not change are not granted for update.

revoke all on plans, plan_prices, accounts, subscriptions, instances, instance_secrets, usage_metrics, audit_logs
  from public, anon, authenticated, service_role;

grant select on plans, plan_prices to anon, authenticated;
grant select on accounts, subscriptions, instances, usage_metrics to authenticated;
-- Not the e-mail address (it is Auth's, see 004), and not the Stripe customer (it may be somebody else's).
grant update (full_name, company_name) on accounts to authenticated;

grant select, insert, update, delete
  on plans, plan_prices, accounts, subscriptions, instances, instance_secrets, usage_metrics to service_role;
-- An audit log is written and read, never corrected.
grant select, insert on audit_logs to service_role;

alter table plans enable row level security;
alter table plan_prices enable row level security;
alter table accounts enable row level security;
alter table subscriptions enable row level security;
alter table instances enable row level security;
alter table instance_secrets enable row level security;
alter table usage_metrics enable row level security;
alter table audit_logs enable row level security;
-- instance_secrets and audit_logs have no policy: only roles that bypass row security see a row.

-- `(select auth.uid())` is evaluated once per statement, `auth.uid()` once per row.
create policy "Everybody can view plans" on plans
  for select to anon, authenticated using (true);

create policy "Everybody can view current prices" on plan_prices
  for select to anon, authenticated using (is_current);

create policy "Users can view own account" on accounts
  for select to authenticated using (id = (select auth.uid()));

create policy "Users can update own account" on accounts
  for update to authenticated
  using (id = (select auth.uid()))
  with check (id = (select auth.uid()));

create policy "Users can view own subscriptions" on subscriptions
  for select to authenticated using (account_id = (select auth.uid()));

create policy "Users can view own instances" on instances
  for select to authenticated using (
    subscription_id in (select id from subscriptions where account_id = (select auth.uid()))
  );

create policy "Users can view own usage" on usage_metrics
  for select to authenticated using (
    instance_id in (
      select i.id
      from instances i
      join subscriptions s on s.id = i.subscription_id
      where s.account_id = (select auth.uid())
    )
  );
