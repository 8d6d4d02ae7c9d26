-- Messages to phones wait in the outbox as mails do: a row of the statement that stores their code. The request that asked for
-- one delivers it at once, to tell what the provider says; should it die meanwhile, the row is found.
set role supabase_auth_admin;

alter table auth.favo_mails
  -- Of messages: the code, the channel, and the token whose code it is, without which nobody needs the message any more.
  add column sms jsonb;

reset role;
