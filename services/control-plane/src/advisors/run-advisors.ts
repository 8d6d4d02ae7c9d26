import type { Lint } from '@favo/contracts'
import type { Step } from '@favo/postgres'
import type { ControlContext } from '../context.ts'
import { rowsToJson } from '../owner-sql/json-cells.ts'
import { encodeArray } from '../owner-sql/parameters.ts'
import { plainStep } from '../owner-sql/run-owner-sql.ts'
import { functionRules } from './function-rules.ts'
import { indexRules } from './index-rules.ts'
import { policyRules } from './policy-rules.ts'
import { tableRules } from './table-rules.ts'
import type { Finding, Rule } from './rule.ts'

export const rules: readonly Rule[] = [...tableRules, ...policyRules, ...functionRules, ...indexRules]

const DEADLINE_MS = 30_000

/** Not the customer's to mend. */
const platformSchemas = [
  'auth',
  'cron',
  'extensions',
  'graphql',
  'graphql_public',
  'information_schema',
  'net',
  'pg_catalog',
  'pg_favo',
  'pg_toast',
  'pgmq',
  'realtime',
  'storage',
  'supabase_functions',
  'supabase_migrations',
  'vault',
]

const levels = ['ERROR', 'WARN', 'INFO']

/**
 * Findings of one category, the gravest first. All rules run in one read-only transaction as the project's owner, who sees
 * no more than what is his.
 */
export async function runAdvisors(
  ctx: ControlContext,
  project: { readonly database: string; readonly exposedSchemas: readonly string[] },
  category: Rule['category'],
): Promise<Lint[]> {
  const asked = rules.filter((rule) => rule.category === category)
  const results = await ctx.pools.forDatabase(project.database).pipeline('own', {
    settings: [
      ['role', 'postgres'],
      ['search_path', 'pg_catalog, pg_temp'],
      ['favo.exposed_schemas', encodeArray(project.exposedSchemas.filter(isCustomers))],
      ['favo.platform_schemas', encodeArray(platformSchemas)],
    ],
    steps: asked.map(({ sql }): Step => plainStep(sql)),
    isRead: true,
    transaction: { isolation: 'repeatable read', readOnly: true, end: 'commit' },
    signal: ctx.signal,
    deadlineMs: DEADLINE_MS,
  })
  return asked
    .flatMap((rule, i) => {
      const result = results[i]
      return result === undefined ? [] : rowsToJson(result).map((row) => toLint(rule, toFinding(row)))
    })
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || (a.cache_key < b.cache_key ? -1 : 1))
}

const isCustomers = (schema: string) => !platformSchemas.includes(schema)

function toFinding({ schema, name, type, part, more, fkey_columns }: Record<string, unknown>): Finding {
  return {
    schema: String(schema),
    name: String(name),
    type: String(type),
    ...(typeof part === 'string' ? { part } : {}),
    ...(typeof more === 'string' ? { more } : {}),
    ...(Array.isArray(fkey_columns) ? { fkey_columns: fkey_columns.map(Number) } : {}),
  }
}

function toLint(rule: Rule, found: Finding): Lint {
  return {
    name: rule.name,
    title: rule.title,
    level: rule.level,
    facing: 'EXTERNAL',
    categories: [rule.category],
    description: rule.description,
    detail: rule.detail(found),
    remediation: rule.remediation,
    metadata: {
      schema: found.schema,
      name: found.name,
      type: found.type,
      ...(found.fkey_columns === undefined
        ? {}
        : { fkey_name: found.part ?? '', fkey_columns: [...found.fkey_columns] }),
    },
    cache_key: [rule.name, found.schema, found.name, found.part]
      .filter((part) => part !== undefined)
      .join('_'),
  }
}
