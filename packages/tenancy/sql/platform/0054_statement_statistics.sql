-- The cluster's own pg_stat_statements, which a server of the operator's may have in place of the stand-in, counts for all
-- databases and shows everybody the counters of all. Its functions are taken from everybody; its view needs them.

set local allow_system_table_mods = on;

do $$
declare
  counter record;
begin
  for counter in
    select proc.oid, proc.oid::regprocedure as signature
    from pg_extension extension
    join pg_depend member
      on member.refclassid = 'pg_extension'::regclass and member.refobjid = extension.oid
      and member.classid = 'pg_proc'::regclass and member.deptype = 'e'
    join pg_proc proc on proc.oid = member.objid
    join pg_language language on language.oid = proc.prolang
    where extension.extname = 'pg_stat_statements' and language.lanname = 'c'
  loop
    execute format('revoke all on function %s from public', counter.signature);
    -- To pg_dump this is the initial state, as in 0004.
    delete from pg_init_privs where classoid = 'pg_proc'::regclass and objoid = counter.oid;
    insert into pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
    select oid, 'pg_proc'::regclass, 0, 'e', proacl from pg_proc where oid = counter.oid;
  end loop;
end
$$;
