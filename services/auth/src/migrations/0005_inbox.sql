-- The project's local inbox: where mails go while no mail server is set up. Not a table of Supabase's, hence the name.
--
-- A mail is a row written with what it is about, in one statement: it is there exactly when its token is.
set role supabase_auth_admin;

create table auth.favo_mails (
  id bigint generated always as identity,
  kind text not null,
  recipient text not null,
  subject text not null,
  html text not null,
  created_at timestamptz not null default now(),
  constraint favo_mails_pkey primary key (id)
);
create index favo_mails_recipient_idx on auth.favo_mails (recipient, id desc);

alter table auth.favo_mails enable row level security;
grant all on auth.favo_mails to postgres, dashboard_user;

reset role;
