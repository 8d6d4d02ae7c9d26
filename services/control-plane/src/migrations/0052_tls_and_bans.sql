-- Whether Postgres clients without TLS are refused.
alter table control.project_settings add column requires_tls boolean not null default false;

-- Bans that are over are looked for at every sweep.
create index network_bans_expires_at_idx on control.network_bans (expires_at);
