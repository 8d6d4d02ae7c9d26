-- What `supabase db lint` asks. Two of the checks of the real extension, both of them sure: does the function compile, with
-- the types that are there now, and are the tables there that it names together with their schema.

create function plpgsql_check_function(funcoid regprocedure, relid regclass default 0, format text default 'text')
returns setof text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
  issues jsonb := '[]';
  -- Names in comments and strings are none.
  code text := (
    select regexp_replace(prosrc, '--[^\n]*|/\*.*?\*/|''(?:[^'']|'''')*''', ' ', 'g') from pg_proc where oid = funcoid
  );
  named record;
begin
  begin
    perform plpgsql_validator(funcoid);
  exception
    when insufficient_privilege then
      null;
    when others then
      issues := issues || jsonb_build_array(
        jsonb_build_object('level', 'error', 'message', sqlerrm, 'sqlState', sqlstate));
  end;
  for named in
    select distinct parts[1] as schema_name, parts[2] as table_name
    from regexp_matches(code, '\m(?:from|join|update|insert\s+into|delete\s+from)\s+([a-z_][a-z0-9_]*)\.([a-z_][a-z0-9_]*)(?!\s*\(|\w)',
      'gi') parts
  loop
    -- `from new.items` and the like read a variable; a schema is one that exists.
    continue when not exists (select from pg_namespace where nspname = lower(named.schema_name));
    if to_regclass(format('%I.%I', lower(named.schema_name), lower(named.table_name))) is null then
      issues := issues || jsonb_build_array(jsonb_build_object(
        'level', 'error',
        'message', format('relation "%s.%s" does not exist', lower(named.schema_name), lower(named.table_name)),
        'sqlState', '42P01'));
    end if;
  end loop;
  if format = 'json' then
    return next jsonb_build_object('function', funcoid::oid::regprocedure::text, 'issues', issues)::text;
  else
    return query
      select concat_ws(':', issue ->> 'level', issue ->> 'sqlState', issue ->> 'message') from jsonb_array_elements(issues) issue;
  end if;
end
$$;
