-- Tables and types of MindRoom. Who may see what is in 002, what may happen to rows in 003 and 004.
--
-- Days are days of UTC everywhere: a counter that follows the session's time zone resets at a different moment for each caller.

create type subscription_tier as enum ('free', 'starter', 'professional', 'enterprise');

-- Stripe's statuses. `cancelled` is Stripe's `canceled`; the mapping is `subscription_status_from_stripe` in 003.
create type subscription_status as enum (
  'trialing', 'active', 'cancelled', 'past_due', 'incomplete', 'incomplete_expired', 'unpaid', 'paused'
);

-- `deprovisioned`: nothing of the instance is left outside this database.
create type instance_status as enum (
  'provisioning', 'running', 'stopped', 'failed', 'deprovisioning', 'deprovisioned'
);

-- What a tier gives. Edit the rows, not the code; null means unlimited.
create table plans (
  tier subscription_tier primary key,
  name text not null,
  max_agents integer check (max_agents > 0),
  max_messages_per_day integer check (max_messages_per_day > 0),
  max_storage_gb integer check (max_storage_gb > 0),
  memory_limit_mb integer not null check (memory_limit_mb > 0),
  cpu_limit numeric(5,2) not null check (cpu_limit > 0),
  trial_days integer not null default 0 check (trial_days >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

insert into plans
  (tier, name, max_agents, max_messages_per_day, max_storage_gb, memory_limit_mb, cpu_limit, trial_days)
values
  ('free', 'Free', 1, 100, 1, 512, 0.5, 0),
  ('starter', 'Starter', 3, 1000, 5, 1024, 1, 14),
  ('professional', 'Professional', 10, 10000, 25, 2048, 2, 14),
  ('enterprise', 'Enterprise', null, null, null, 4096, 4, 0);

-- Stripe prices of the plans. A price that is not sold any more stays, because customers still pay it.
create table plan_prices (
  stripe_price_id text primary key check (stripe_price_id <> ''),
  tier subscription_tier not null references plans (tier),
  billing_interval text not null check (billing_interval in ('month', 'year')),
  is_current boolean not null default true,
  created_at timestamptz not null default now()
);
create unique index plan_prices_one_current_key on plan_prices (tier, billing_interval) where is_current;

-- One account per user of Auth; 004 makes it at sign-up. It goes with the user, unless subscriptions hold it.
create table accounts (
  id uuid primary key references auth.users (id) on delete cascade,
  email text not null unique,
  full_name text check (length(full_name) <= 200),
  company_name text check (length(company_name) <= 200),
  stripe_customer_id text unique,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table subscriptions (
  id uuid primary key default gen_random_uuid(),
  -- No cascade: what is paid for, or still runs, must be ended first (see `erase_account` in 003).
  account_id uuid not null references accounts (id) on delete restrict,
  stripe_subscription_id text unique,
  stripe_price_id text,
  tier subscription_tier not null default 'free',
  status subscription_status not null default 'trialing',

  -- Copied from the plan at the start and when the tier changes (004), so that editing a plan changes no contract.
  -- May be changed for one customer. Null means unlimited.
  max_agents integer check (max_agents >= 0),
  max_messages_per_day integer check (max_messages_per_day >= 0),
  max_storage_gb integer check (max_storage_gb >= 0),

  -- Messages of the day `last_reset_at`; the first message of a new day starts again at 1.
  current_messages_today integer not null default 0 check (current_messages_today >= 0),
  last_reset_at date not null default (now() at time zone 'utc')::date,

  -- Null while trialing: the trial has no end.
  trial_ends_at timestamptz,
  current_period_end timestamptz,
  cancelled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index subscriptions_account_id_idx on subscriptions (account_id);
-- One subscription that counts. A first payment that is still open (`incomplete`) does not: checkout may be tried again.
create unique index subscriptions_one_current_key on subscriptions (account_id)
  where status in ('trialing', 'active', 'past_due', 'unpaid', 'paused');

-- A MindRoom deployment.
create table instances (
  id uuid primary key default gen_random_uuid(),
  subscription_id uuid not null references subscriptions (id) on delete restrict,

  dokku_app_name text not null unique check (dokku_app_name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  subdomain text not null unique check (subdomain ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),

  status instance_status not null default 'provisioning',
  backend_url text check (backend_url ~ '^https?://'),
  frontend_url text check (frontend_url ~ '^https?://'),
  matrix_server_url text check (matrix_server_url ~ '^https?://'),

  -- Agents, tools, models. No secrets: the customer reads it.
  config jsonb not null default '{}' check (jsonb_typeof(config) = 'object'),

  -- Enforced by Dokku. From the plan when left out (004).
  memory_limit_mb integer not null check (memory_limit_mb > 0),
  cpu_limit numeric(5,2) not null check (cpu_limit > 0),

  last_health_check timestamptz,
  health_status text not null default 'unknown'
    check (health_status in ('unknown', 'healthy', 'degraded', 'unhealthy')),
  error_message text,

  provisioned_at timestamptz,
  deprovisioned_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index instances_subscription_id_idx on instances (subscription_id);
-- A retried webhook must not start a second app for the same money.
create unique index instances_one_live_key on instances (subscription_id) where status <> 'deprovisioned';

-- API keys and the like, in a table of their own: nobody but the service may read them, and `select *` on instances still
-- works for customers. Values are ciphertext before they get here (README: "Secrets of an instance"); plain text is refused.
create table instance_secrets (
  instance_id uuid primary key references instances (id) on delete cascade,
  environment_vars jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  constraint instance_secrets_are_encrypted check (
    jsonb_typeof(environment_vars) = 'object'
    and not jsonb_path_exists(
      environment_vars,
      'strict $.* ? (@.type() != "string" || !(@ like_regex "^v1[.][A-Za-z0-9_-]{38,}$"))'
    )
  )
);

create table usage_metrics (
  id uuid primary key default gen_random_uuid(),
  instance_id uuid not null references instances (id) on delete cascade,
  date date not null,

  messages_sent integer not null default 0 check (messages_sent >= 0),
  agents_used jsonb not null default '{}', -- messages by agent: {"agent_name": count}
  tools_used jsonb not null default '{}',  -- calls by tool: {"tool_name": count}

  created_at timestamptz not null default now(),
  unique (instance_id, date)
);

-- Kept when the account goes; then it is about nobody any more.
create table audit_logs (
  id uuid primary key default gen_random_uuid(),
  account_id uuid references accounts (id) on delete set null,
  action text not null check (action <> ''),
  details jsonb not null default '{}',
  ip_address inet,
  user_agent text,
  created_at timestamptz not null default now()
);
create index audit_logs_account_id_created_at_idx on audit_logs (account_id, created_at);
