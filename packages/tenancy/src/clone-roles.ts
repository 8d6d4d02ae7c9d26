import { sql } from '@favo/postgres'
import type { AdminSession } from './admin.ts'

/**
 * Gives everything in a copied database that belongs or is granted to roles of its source to the roles of the copy, which
 * have the same names but for the stem. `inside` is a superuser's session in the copy.
 *
 * Done in the catalogs themselves. The statements that would do it change more than this database (DROP OWNED takes the
 * source's CONNECT away) or less (REASSIGN OWNED leaves grants, default privileges and policies).
 */
export async function mapRoles(inside: AdminSession, source: string, target: string): Promise<void> {
  await copyCustomersRoles(inside, source, target)
  await inside.run(sql`
    do $$
    declare
      source constant text := ${sql.literal(source)};
      target constant text := ${sql.literal(target)};
      this_database constant oid := (select oid from pg_database where datname = current_database());
      old_roles oid[];
      new_roles oid[];
      reference record;
    begin
      select array_agg(old.oid order by old.oid), array_agg(new.oid order by old.oid) into old_roles, new_roles
      from pg_authid old join pg_authid new on new.rolname = target || substr(old.rolname, length(source) + 1)
      where old.rolname = source or starts_with(old.rolname, source || '_');

      -- Owners, roles of policies, whose default privileges, user mappings: every column that refers to a role.
      for reference in
        select fktable as catalog, fkcols[1] as name, is_array
        from pg_get_catalog_foreign_keys() join pg_class on pg_class.oid = fktable
        where pktable = 'pg_authid'::regclass and not relisshared
      loop
        if reference.is_array then
          execute format('update %1$s set %2$I = (
              select array_agg(coalesce(($2)[array_position($1, role)], role) order by place)
              from unnest(%2$I) with ordinality roles (role, place)
            ) where %2$I && $1', reference.catalog, reference.name) using old_roles, new_roles;
        else
          execute format('update %1$s set %2$I = ($2)[array_position($1, %2$I)] where %2$I = any ($1)',
            reference.catalog, reference.name) using old_roles, new_roles;
        end if;
      end loop;

      -- Grants, by whom and to whom. Names of tenants' roles are never quoted in an aclitem.
      for reference in
        select attrelid::regclass as catalog, attname as name
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where atttypid = 'aclitem[]'::regtype and relnamespace = 'pg_catalog'::regnamespace
          and relkind = 'r' and not relisshared
      loop
        execute format('update %1$s set %2$I = (
            select array_agg(regexp_replace(item::text, $1, $2, ''g'')::aclitem order by place)
            from unnest(%2$I) with ordinality items (item, place)
          ) where array_to_string(%2$I, '' '') ~ $3', reference.catalog, reference.name)
        using '(^|/)' || source || '(?=[_=]|$)', '\\1' || target, '(^|[ /])' || source || '([_= ]|$)';
      end loop;

      update pg_shdepend set refobjid = new_roles[array_position(old_roles, refobjid)]
      where dbid = this_database and refclassid = 'pg_authid'::regclass and refobjid = any (old_roles);

      update pg_favo.roles set role = target || substr(role, length(source) + 1)
      where starts_with(role, source || '_');

      -- What the logins start with, as the customer set it.
      delete from pg_db_role_setting where setdatabase = this_database and setrole = any (new_roles);
      insert into pg_db_role_setting (setdatabase, setrole, setconfig)
      select this_database, new_roles[array_position(old_roles, setrole)], setconfig
      from pg_db_role_setting
      where setdatabase = (select oid from pg_database where datname = source) and setrole = any (old_roles);

      if exists (
        select from pg_shdepend join pg_authid on pg_authid.oid = refobjid
        where dbid = this_database and refclassid = 'pg_authid'::regclass
          and (rolname = source or starts_with(rolname, source || '_'))
      ) then
        raise 'the copy still refers to roles of its source';
      end if;
    end
    $$
  `)
  await copyMemberships(inside, source, target)
}

interface CustomersRole {
  readonly name: string
  readonly can_login: boolean
  readonly inherits: boolean
  readonly bypasses_rls: boolean
  readonly connections: number
  /** Logins made for Supabase's CLI expire. */
  readonly valid_until: string | null
}

/**
 * Roles that the customer made, and whatever else of the source something in the database refers to. Without passwords: a
 * login of the source is none of the copy until it gets one.
 */
async function copyCustomersRoles(inside: AdminSession, source: string, target: string): Promise<void> {
  const roles = await inside.many<CustomersRole>(sql`
    select ${target} || substr(rolname, ${source.length + 1}) as name, rolcanlogin as can_login,
      rolinherit as inherits, rolbypassrls as bypasses_rls, rolconnlimit as connections,
      rolvaliduntil::text as valid_until
    from pg_authid
    where starts_with(rolname, ${`${source}_`})
      and (rolname in (select role from pg_favo.roles) or oid in (
        select refobjid from pg_shdepend
        where refclassid = 'pg_authid'::regclass
          and dbid = (select oid from pg_database where datname = current_database())
      ))
      and not exists (
        select from pg_authid made where made.rolname = ${target} || substr(pg_authid.rolname, ${source.length + 1})
      )
    order by rolname
  `)
  for (const { name, can_login, inherits, bypasses_rls, connections, valid_until } of roles) {
    const role = sql.ident(name)
    const options = sql.join(
      [
        can_login ? sql`login` : sql`nologin`,
        inherits ? sql`inherit` : sql`noinherit`,
        bypasses_rls ? sql`bypassrls` : sql`nobypassrls`,
        sql`connection limit ${sql.trusted(String(Math.trunc(connections)))}`,
        ...(valid_until === null ? [] : [sql`valid until ${sql.literal(valid_until)}`]),
      ],
      '\n',
    )
    await inside.run(sql`create role ${role} ${options}`)
    if (can_login) await inside.run(sql`grant connect on database ${sql.ident(target)} to ${role}`)
  }
}

/** Which roles the customer granted to which. What every project has is there already. */
async function copyMemberships(inside: AdminSession, source: string, target: string): Promise<void> {
  const grants = await inside.many<{ granted: string; member: string }>(sql`
    with mapped as (
      select old.oid as old, new.oid as new, new.rolname
      from pg_authid old
      join pg_authid new on new.rolname = case
        when old.rolname = ${source} or starts_with(old.rolname, ${`${source}_`})
          then ${target} || substr(old.rolname, ${source.length + 1})
        when not starts_with(old.rolname, 'pg_') and not starts_with(old.rolname, 'p_') and not old.rolcanlogin
          then old.rolname end
    )
    select distinct granted.rolname as granted, member.rolname as member
    from pg_auth_members
    join mapped granted on granted.old = roleid
    join mapped member on member.old = pg_auth_members.member and member.new <> member.old
    where not exists (
      select from pg_auth_members made where made.roleid = granted.new and made.member = member.new
    )
    order by 1, 2
  `)
  for (const { granted, member } of grants)
    await inside.run(sql`grant ${sql.ident(granted)} to ${sql.ident(member)}`)
}
