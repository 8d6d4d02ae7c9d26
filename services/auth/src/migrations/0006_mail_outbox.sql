-- The inbox becomes an outbox too: what a mail server is to carry waits here, in the transaction of what it is about, and
-- stays to tell what became of it.
set role supabase_auth_admin;

alter table auth.favo_mails
  -- The part for readers without HTML.
  add column text text not null default '',
  -- Part of the Message-ID, which is the same in each try: receivers drop what they have already.
  add column message_id uuid not null default gen_random_uuid(),
  -- local: held here, because there is no mail server.
  add column state text not null default 'local',
  add column tries integer not null default 0,
  -- Of those that wait: not before. Who delivers a mail puts it off while doing so.
  add column due_at timestamptz,
  add column sent_at timestamptz,
  -- Why the last try failed.
  add column error text,
  -- What the project's hook is asked, where that sends the mails.
  add column hook_input jsonb,
  add constraint favo_mails_state_known check (state in ('local', 'waiting', 'sent', 'dead')),
  add constraint favo_mails_due_while_waiting check ((state = 'waiting') = (due_at is not null));

create index favo_mails_due_idx on auth.favo_mails (due_at) where state = 'waiting';

reset role;
