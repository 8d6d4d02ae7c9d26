alter role anon set statement_timeout = '5s';
alter role authenticated set statement_timeout = '15s';
ALTER ROLE authenticator SET statement_timeout TO '10s';
alter role authenticator set pgrst.db_max_rows = '500';
alter role service_role reset statement_timeout;
alter user postgres set idle_in_transaction_session_timeout = '30min';
notify pgrst, 'reload config';
