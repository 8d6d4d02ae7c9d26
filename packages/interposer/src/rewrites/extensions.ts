import { quoteName } from '../quoting.ts'
import { argumentOf, childOf, optionsOf, textOf } from '../tree.ts'
import type { Rewrite } from './rewrite.ts'

/** Schemas that Supabase's images bring for an extension; SQL from there names them without making them. */
const schemasOfExtensions = new Set(['cron', 'gis', 'net', 'pgmq', 'pgsodium'])

/** Extensions that stand in for one of Supabase's, in a single version (packages/tenancy/extensions). */
const standIns = new Set([
  'pg_cron',
  'pg_graphql',
  'pg_net',
  'pg_stat_statements',
  'pgjwt',
  'pgsodium',
  'supabase_vault',
])

/** Only a superuser may create these; `pg_favo.create_extension` does where the server has them, in the version it has. */
const privileged = new Set(['postgis', 'vector'])

/** CREATE EXTENSION stays as it is but for the schema that must be there, the version of a stand-in, and who makes it. */
export const createExtension: Rewrite = (node, { quote }) => {
  const name = textOf(node, 'extname')
  if (name === null) return null
  const options = optionsOf(node)
  const option = options.get('schema')
  const schema = option === undefined ? null : argumentOf(option)
  const makesSchema = typeof schema === 'string' && schemasOfExtensions.has(schema)
  if (privileged.has(name)) {
    const where = typeof schema === 'string' ? quote.text(schema) : 'pg_catalog.current_schema()'
    return [
      ...(makesSchema ? [`create schema if not exists ${quoteName(schema)}`] : []),
      `perform pg_favo.create_extension(${quote.text(name)}, ${where}, ${node.if_not_exists === true})`,
    ]
  }
  const hasVersion = options.has('new_version')
  const isStandIn = standIns.has(name)
  if ((!makesSchema && !(hasVersion && isStandIn)) || (hasVersion && !isStandIn)) return null
  const create = [
    'create extension',
    ...(node.if_not_exists === true ? ['if not exists'] : []),
    quoteName(name),
    ...(typeof schema === 'string' ? ['schema', quoteName(schema)] : []),
    ...(options.has('cascade') ? ['cascade'] : []),
  ].join(' ')
  if (/['\\]/.test(create)) return null
  return makesSchema ? [`create schema if not exists ${quoteName(schema)}`, create] : [create]
}

export const setExtensionSchema: Rewrite = (node, { quote }) => {
  const name = textOf(childOf(childOf(node, 'object'), 'String'), 'sval')
  const schema = textOf(node, 'newschema')
  if (name === null || schema === null) return null
  return [`perform pg_favo.alter_extension(${quote.text(name)}, ${quote.text(schema)})`]
}

/** UPDATE, also TO a version: there is one version of each. */
export const updateExtension: Rewrite = (node, { quote }) => {
  const name = textOf(node, 'extname')
  return name === null ? null : [`perform pg_favo.alter_extension(${quote.text(name)}, null)`]
}
