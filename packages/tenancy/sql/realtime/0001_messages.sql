-- Broadcast from the database: a row in realtime.messages is a message to subscribers of its topic, and policies on that
-- table say who may send and receive. Columns as in Supabase Realtime. Not partitioned: old rows are deleted, not dropped.
create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  constraint messages_pkey primary key (id, inserted_at)
);
create index messages_inserted_at_topic_index on realtime.messages (inserted_at desc, topic);
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
grant all on realtime.messages to postgres, dashboard_user;

-- The topic that a policy is being asked about.
create function realtime.topic() returns text language sql stable
return nullif(current_setting('realtime.topic', true), '');

-- Sends a broadcast when the caller's transaction commits. As on Supabase a failure is a warning: the change of data that
-- caused the message must not be lost with it.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql set search_path = ''
as $$
begin
  perform pg_catalog.set_config('realtime.topic', topic, true);
  insert into realtime.messages (payload, event, topic, private, extension)
  values (payload, event, topic, private, 'broadcast');
exception when others then
  raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end
$$;
