-- Statements that refuse a transaction.
create index concurrently if not exists orders_user_id on public.orders (user_id);
reindex index concurrently public.orders_user_id;
vacuum (analyze) public.orders;
create table public.after_vacuum (id int);
drop index concurrently public.orders_user_id;
refresh materialized view concurrently public.post_counts;
