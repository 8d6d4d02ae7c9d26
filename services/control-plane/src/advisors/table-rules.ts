import { exposed, isOfExtension, isReachable, pageOf, quote, type Rule } from './rule.ts'

const exposedTables = `
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname = any ${exposed}
    and not ${isOfExtension('pg_class', 'c.oid')}`

const type = `case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end`

/** Row level security of tables that the REST API shows, and what leaks around it. */
export const tableRules: readonly Rule[] = [
  {
    name: 'rls_disabled_in_public',
    title: 'RLS Disabled in Public',
    level: 'ERROR',
    category: 'SECURITY',
    description: 'Row level security is off for a table that callers of the REST API can reach.',
    remediation: pageOf('0013_rls_disabled_in_public'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type
      ${exposedTables} and not c.relrowsecurity and ${isReachable('c.oid')}`,
    detail: (found) => `Table ${quote(found)} is public, but RLS has not been enabled.`,
  },
  {
    name: 'policy_exists_rls_disabled',
    title: 'Policy Exists RLS Disabled',
    level: 'ERROR',
    category: 'SECURITY',
    description: 'Policies were written for a table, but row level security is off, so they do nothing.',
    remediation: pageOf('0007_policy_exists_rls_disabled'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type,
        (select string_agg(quote_ident(p.polname), ', ' order by p.polname) from pg_policy p where p.polrelid = c.oid) as more
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and not c.relrowsecurity
        and n.nspname <> all (current_setting('favo.platform_schemas')::text[])
        and exists (select from pg_policy p where p.polrelid = c.oid)`,
    detail: (found) =>
      `Table ${quote(found)} has RLS policies but RLS is not enabled on the table. Policies: ${found.more}.`,
  },
  {
    name: 'rls_enabled_no_policy',
    title: 'RLS Enabled No Policy',
    level: 'INFO',
    category: 'SECURITY',
    description:
      'Row level security is on and no policy lets anybody in: only the service key reads the table.',
    remediation: pageOf('0008_rls_enabled_no_policy'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type
      ${exposedTables} and c.relrowsecurity
        and not exists (select from pg_policy p where p.polrelid = c.oid)`,
    detail: (found) => `Table ${quote(found)} has RLS enabled, but no policies exist.`,
  },
  {
    name: 'sensitive_columns_exposed',
    title: 'Sensitive Columns Exposed',
    level: 'ERROR',
    category: 'SECURITY',
    description:
      'A table without row level security has columns whose names speak of credentials or of private facts.',
    remediation: pageOf('0023_sensitive_columns_exposed'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, s.columns as more
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      cross join lateral (
        select string_agg(a.attname, ', ' order by a.attnum) as columns
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
          and regexp_replace(lower(a.attname), '[^a-z0-9]', '', 'g') ~
            '^(password|passwd|pwd|passwordhash|secret|secretkey|clientsecret|privatekey|apikey|apisecret|accesstoken|refreshtoken|authtoken|sessiontoken|pin|otpsecret|totpsecret|ssn|socialsecurity|socialsecuritynumber|nationalid|passportnumber|taxid|cpf|creditcard|creditcardnumber|cardnumber|cvv|cvc|iban|bankaccount|accountnumber|routingnumber|medicalrecord|diagnosis)$'
      ) s
      where c.relkind in ('r', 'p') and not c.relrowsecurity and n.nspname = any ${exposed}
        and s.columns is not null and ${isReachable('c.oid', 'select')}`,
    detail: (found) =>
      `Table ${quote(found)} can be read over the API without RLS and has columns that look sensitive: ${found.more}.`,
  },
  {
    name: 'materialized_view_in_api',
    title: 'Materialized View in API',
    level: 'WARN',
    category: 'SECURITY',
    description: 'A materialized view has no row level security of its own, and callers can read it.',
    remediation: pageOf('0016_materialized_view_in_api'),
    sql: `
      select n.nspname as schema, c.relname as name, ${type} as type
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'm' and n.nspname = any ${exposed}
        and not ${isOfExtension('pg_class', 'c.oid')} and ${isReachable('c.oid', 'select')}`,
    detail: (found) => `Materialized view ${quote(found)} is selectable by anon or authenticated roles.`,
  },
  {
    name: 'foreign_table_in_api',
    title: 'Foreign Table in API',
    level: 'WARN',
    category: 'SECURITY',
    description: 'A foreign table has no row level security, and callers can read it.',
    remediation: pageOf('0017_foreign_table_in_api'),
    sql: `
      select n.nspname as schema, c.relname as name, ${type} as type
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'f' and n.nspname = any ${exposed}
        and not ${isOfExtension('pg_class', 'c.oid')} and ${isReachable('c.oid', 'select')}`,
    detail: (found) => `Foreign table ${quote(found)} is accessible over APIs.`,
  },
  {
    name: 'security_definer_view',
    title: 'Security Definer View',
    level: 'ERROR',
    category: 'SECURITY',
    description: 'A view reads with the rights of its owner, past the policies that hold for who asks.',
    remediation: pageOf('0010_security_definer_view'),
    sql: `
      select n.nspname as schema, c.relname as name, ${type} as type
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'v' and n.nspname = any ${exposed}
        and not ${isOfExtension('pg_class', 'c.oid')} and ${isReachable('c.oid')}
        and not coalesce(
          (select o.option_value::boolean from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker'),
          false
        )`,
    detail: (found) => `View ${quote(found)} is defined with the SECURITY DEFINER property.`,
  },
  {
    name: 'auth_users_exposed',
    title: 'Exposed Auth Users',
    level: 'ERROR',
    category: 'SECURITY',
    description: 'A view that callers of the REST API can read shows rows of auth.users past its protection.',
    remediation: pageOf('0002_auth_users_exposed'),
    sql: `
      select distinct n.nspname as schema, c.relname as name, ${type} as type
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_rewrite r on r.ev_class = c.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid = to_regclass('auth.users')
      where c.relkind in ('v', 'm') and n.nspname = any ${exposed} and ${isReachable('c.oid', 'select')}
        and (c.relkind = 'm' or not coalesce(
          (select o.option_value::boolean from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker'),
          false
        ))`,
    detail: (found) =>
      `View/Materialized View ${quote(found)} in an exposed schema may expose \`auth.users\` data to anon or authenticated roles.`,
  },
]
