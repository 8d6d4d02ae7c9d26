-- Entries come in the order of their time, so a summary of each range of pages finds the oldest ones; it costs next to nothing
-- to keep and a few pages of disk.
set role supabase_auth_admin;

create index favo_audit_log_entries_created_at_idx on auth.audit_log_entries using brin (created_at);

reset role;
