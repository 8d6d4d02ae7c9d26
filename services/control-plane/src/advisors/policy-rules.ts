import { pageOf, platform, quote, type Rule } from './rule.ts'

const policies = `
  from pg_policy p
  join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace
  where n.nspname <> all ${platform}`

/** Both expressions of a policy as text, with every name outside pg_catalog qualified. */
const text = `concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))`
const isTrue = (expression: string) => `coalesce(pg_get_expr(p.${expression}, p.polrelid) = 'true', false)`

export const policyRules: readonly Rule[] = [
  {
    name: 'rls_policy_always_true',
    title: 'RLS Policy Always True',
    level: 'WARN',
    category: 'SECURITY',
    description:
      'A permissive policy lets callers write any row, so row level security guards nothing there.',
    remediation: pageOf('0024_permissive_rls_policy'),
    // Reading everything is often meant; writing everything hardly ever.
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, p.polname as part,
        case p.polcmd when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end as more
      ${policies} and c.relrowsecurity and p.polpermissive and p.polcmd <> 'r'
        and (${isTrue('polqual')} or ${isTrue('polwithcheck')})
        and (0 = any (p.polroles) or exists (
          select from unnest(p.polroles) r (oid)
          where r.oid in (to_regrole('anon')::oid, to_regrole('authenticated')::oid)
        ))`,
    detail: (found) =>
      `Table ${quote(found)} has the RLS policy \`${found.part}\`, which allows every ${found.more} by callers of the API.`,
  },
  {
    name: 'rls_references_user_metadata',
    title: 'RLS references user metadata',
    level: 'ERROR',
    category: 'SECURITY',
    description: 'A policy trusts user_metadata, which users change themselves.',
    remediation: pageOf('0015_rls_references_user_metadata'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, p.polname as part
      ${policies} and ${text} ~ '\\m(user_metadata|raw_user_meta_data)\\M'`,
    detail: (found) =>
      `Table ${quote(found)} has a row level security policy \`${found.part}\` that references user metadata, which end users can edit.`,
  },
  {
    name: 'auth_rls_initplan',
    title: 'Auth RLS Initialization Plan',
    level: 'WARN',
    category: 'PERFORMANCE',
    description: 'A policy asks who the caller is once per row; within `(select …)` it would ask once.',
    remediation: pageOf('0003_auth_rls_initplan'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type, p.polname as part
      ${policies} and c.relrowsecurity and regexp_replace(
          ${text},
          '\\( *select +(auth\\.(uid|jwt|role|email)\\(\\)|current_setting\\([^()]*\\))', '', 'gi'
        ) ~* '\\m(auth\\.(uid|jwt|role|email)\\(\\)|current_setting\\()'`,
    detail: (found) =>
      `Table ${quote(found)} has a row level security policy \`${found.part}\` that re-evaluates current_setting() or auth.<function>() for each row. Replace \`auth.<function>()\` with \`(select auth.<function>())\`.`,
  },
  {
    name: 'multiple_permissive_policies',
    title: 'Multiple Permissive Policies',
    level: 'WARN',
    category: 'PERFORMANCE',
    description:
      'Several permissive policies hold for one role and command; each row is tried against all of them.',
    remediation: pageOf('0006_multiple_permissive_policies'),
    sql: `
      select n.nspname as schema, c.relname as name, 'table' as type,
        format('%s, %s', r.rolname, act.command) as part,
        string_agg(quote_ident(p.polname), ', ' order by p.polname) as more
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_roles r on r.rolname in ('anon', 'authenticated') or r.oid = any (p.polroles)
      join (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) act (code, command)
        on p.polcmd::text in (act.code, '*')
      where n.nspname <> all ${platform} and c.relrowsecurity and p.polpermissive
        and (0 = any (p.polroles) or r.oid = any (p.polroles))
      group by n.nspname, c.relname, r.rolname, act.command
      having count(*) > 1`,
    detail: (found) =>
      `Table ${quote(found)} has multiple permissive policies for \`${found.part}\`. Policies: ${found.more}.`,
  },
]
