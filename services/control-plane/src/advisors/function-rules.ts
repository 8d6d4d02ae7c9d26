import { exposed, isOfExtension, pageOf, platform, quote, type Rule } from './rule.ts'

const functions = `
  select n.nspname as schema, format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) as name,
    'function' as type
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  where p.prokind in ('f', 'p') and n.nspname <> all ${platform}
    and not ${isOfExtension('pg_proc', 'p.oid')}`

export const functionRules: readonly Rule[] = [
  {
    name: 'function_search_path_mutable',
    title: 'Function Search Path Mutable',
    level: 'WARN',
    category: 'SECURITY',
    description:
      'A function finds names by the search path of who calls it, so callers can slip in their own.',
    remediation: pageOf('0011_function_search_path_mutable'),
    // Bodies of standard SQL (begin atomic) are bound to what they name when they are made.
    sql: `${functions} and p.prosqlbody is null and not exists (
      select from unnest(p.proconfig) s (setting) where s.setting like 'search_path=%'
    )`,
    detail: (found) => `Function ${quote(found)} has a role mutable search_path.`,
  },
  {
    name: 'anon_security_definer_function_executable',
    title: 'Public Can Execute SECURITY DEFINER Function',
    level: 'WARN',
    category: 'SECURITY',
    description:
      'A function that runs with its owner’s rights can be called over the REST API without signing in.',
    remediation: pageOf('0028_anon_security_definer_function_executable'),
    sql: `${functions} and p.prosecdef and n.nspname = any ${exposed}
      and p.prorettype <> 'trigger'::regtype and p.prorettype <> 'event_trigger'::regtype
      and has_function_privilege('anon', p.oid, 'execute')`,
    detail: (found) =>
      `Function ${quote(found)} is SECURITY DEFINER and can be executed by the \`anon\` role over the API.`,
  },
  {
    name: 'session_user_in_function',
    title: 'Function Relies on session_user',
    level: 'WARN',
    category: 'SECURITY',
    description:
      'A function asks for session_user. Here that is the login of the connection, which differs from hosted Supabase and says nothing about who calls.',
    remediation: 'Ask for current_user, or for the caller’s claims: auth.uid(), auth.role().',
    sql: `${functions} and p.prolang in (select l.oid from pg_language l where l.lanname in ('sql', 'plpgsql'))
      and regexp_replace(p.prosrc, '--[^\\n]*', '', 'g') ~* '\\msession_user\\M'`,
    detail: (found) => `Function ${quote(found)} uses session_user.`,
  },
  {
    name: 'extension_in_public',
    title: 'Extension in Public',
    level: 'WARN',
    category: 'SECURITY',
    description:
      'The functions of an extension are in schema public, where callers of the REST API find them.',
    remediation: pageOf('0014_extension_in_public'),
    sql: `
      select n.nspname as schema, e.extname as name, 'extension' as type
      from pg_extension e
      join pg_namespace n on n.oid = e.extnamespace
      where n.nspname = 'public'`,
    detail: ({ name }) =>
      `Extension \`${name}\` is installed in the public schema. Move it to another schema.`,
  },
]
