import type { Lint } from '@favo/contracts'

/** What a rule's SQL answers for each finding. Columns that do not apply are left out. */
export interface Finding {
  readonly schema: string
  /** Of the relation or function: `todos`, `notify_all(text)`. */
  readonly name: string
  readonly type: string
  /** A name within it: of a policy, column, index or constraint. */
  readonly part?: string
  /** Further names, for the sentence. */
  readonly more?: string
  readonly fkey_columns?: readonly number[]
}

/**
 * A rule about a project's database. Its SQL runs as the project's owner, with nothing but pg_catalog on the search path,
 * and finds two settings: `favo.exposed_schemas`, those that the REST API shows, and `favo.platform_schemas`, which are not
 * the customer's to mend. Both are arrays in Postgres' text form.
 */
export interface Rule {
  /** As Supabase's advisors call it, where they have it. */
  readonly name: string
  readonly title: string
  readonly level: Lint['level']
  readonly category: Lint['categories'][number]
  readonly description: string
  /** Number of Supabase's rule, whose page says how to mend it; or a sentence of ours. */
  readonly remediation: string
  readonly sql: string
  detail(finding: Finding): string
}

const page = 'https://supabase.com/docs/guides/database/database-linter?lint='

/** Supabase's page of a rule, as its own advisors name it. */
export const pageOf = (lint: string): string => `${page}${lint}`

export const exposed = `(current_setting('favo.exposed_schemas')::text[])`
export const platform = `(current_setting('favo.platform_schemas')::text[])`

/** Whether callers of the REST API may reach a relation at all, with at least one of these privileges. */
export const isReachable = (oid: string, privileges = 'select, insert, update, delete'): string =>
  `(has_table_privilege('anon', ${oid}, '${privileges}') or has_table_privilege('authenticated', ${oid}, '${privileges}'))`

/** Objects of an extension are the extension's to mend. */
export const isOfExtension = (catalog: string, oid: string): string =>
  `exists (
    select from pg_depend e
    where e.classid = '${catalog}'::regclass and e.objid = ${oid} and e.deptype = 'e'
  )`

export const quote = ({ schema, name }: Finding): string => `\`${schema}.${name}\``
