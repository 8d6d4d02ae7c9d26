-- A customer for development: test@example.com, password mindroom-dev. Never for production; may be run again.
--
-- The user comes first, so that somebody can sign in as it; the account comes by the trigger of 004. Auth reads the token
-- columns as text, so they are empty and not null.
insert into auth.users (
  instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
  confirmation_token, recovery_token, email_change_token_new, email_change,
  raw_app_meta_data, raw_user_meta_data, created_at, updated_at
)
values (
  '00000000-0000-0000-0000-000000000000', 'd0000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated',
  'test@example.com', '$2a$10$4.m6U9laD3hXuyu5Ckbilej7F1un0UAvL.20ddFABYlTjCzvFWKXi', now(),
  '', '', '', '',
  '{"provider": "email", "providers": ["email"]}', '{"full_name": "Test User"}', now(), now()
)
on conflict do nothing;

insert into auth.identities (provider_id, user_id, provider, identity_data, last_sign_in_at, created_at, updated_at)
values (
  'd0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000001', 'email',
  '{"sub": "d0000000-0000-4000-8000-000000000001", "email": "test@example.com", "email_verified": true, "phone_verified": false}',
  now(), now(), now()
)
on conflict do nothing;

update accounts set stripe_customer_id = 'cus_test123'
where id = 'd0000000-0000-4000-8000-000000000001' and stripe_customer_id is null;

-- Limits come from the plan: 3 agents, 1,000 messages a day.
insert into subscriptions (id, account_id, tier, status)
values ('d0000000-0000-4000-8000-000000000002', 'd0000000-0000-4000-8000-000000000001', 'starter', 'active')
on conflict do nothing;

insert into instances (
  id, subscription_id, dokku_app_name, subdomain, status, backend_url, frontend_url, matrix_server_url, provisioned_at
)
values (
  'd0000000-0000-4000-8000-000000000003', 'd0000000-0000-4000-8000-000000000002',
  'mindroom-customer-test', 'customer-test', 'running',
  'http://customer-test.localhost:8765', 'http://customer-test.localhost:3003', 'http://customer-test.localhost:8008', now()
)
on conflict do nothing;
