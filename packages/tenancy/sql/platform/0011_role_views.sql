-- pg_roles and pg_user as the customer sees them: its own roles under the names that it gave them, and nothing of the
-- roles of other projects. Scripts ask them whether a role is there before they make it, and dumps take names from them.
-- Platform code that needs roles as they are in the cluster asks pg_authid.
set local allow_system_table_mods = on;

do $$
declare
  shown record;
  stock text;
  columns text;
begin
  for shown in select * from (values ('pg_roles', 'rolname'), ('pg_user', 'usename')) views (name, role_column) loop
    stock := rtrim(pg_get_viewdef(format('pg_catalog.%I', shown.name)::regclass), ';');
    select string_agg(format('x.%I', attname), ', ' order by attnum) into columns
    from pg_attribute
    where attrelid = format('pg_catalog.%I', shown.name)::regclass and attnum > 1 and not attisdropped;
    -- Two halves, so that a condition on the name finds its index in either.
    execute format('create or replace view pg_catalog.%1$I as
        select x.%2$I, %3$s from (%4$s) x
        where not starts_with(x.%2$I::text, ''p_'')
          or x.%2$I in (current_database(), current_database() || ''_db'', current_database() || ''_own'',
            current_database() || ''_api'', current_database() || ''_svc'')
        union all
        select own.name::name, %3$s from pg_favo.roles own join (%4$s) x on x.%2$I = own.role::name',
      shown.name, shown.role_column, columns, stock);
  end loop;
end
$$;
