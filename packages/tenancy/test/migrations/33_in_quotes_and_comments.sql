/* create role commented_out; */
-- alter role postgres superuser;
select 'create role in_a_string; drop database postgres';
select $x$ alter user postgres password 'x' $x$ as "create role quoted";
create /* a role */ role -- with a comment
  "commented" /* ; */ nologin;
grant /**/ "commented" to postgres;
do 'begin if not exists (select from pg_roles where rolname = ''old_style'') then create role old_style; end if; end';
do language plpgsql $outer$
begin
  execute $inner$ create role inner_role $inner$;
  drop role inner_role;
end
$outer$;
drop role "commented", old_style;
