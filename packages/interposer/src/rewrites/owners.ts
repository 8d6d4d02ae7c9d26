import { quoteName } from '../quoting.ts'
import { childOf, listOf, listOfType, textOf } from '../tree.ts'
import type { Rewrite, Source } from './rewrite.ts'
import { ownName } from './role-names.ts'

// What is given to a role of the customer's own. Postgres asks for membership in it, which `postgres` cannot have.

/** ALTER TABLE, VIEW, SEQUENCE … OWNER TO; of a list of changes each is one's own to make. */
export const alterTableOwner: Rewrite = (node, source) => {
  const commands = listOfType(node, 'cmds', 'AlterTableCmd')
  const [command] = commands
  if (commands.length !== 1 || textOf(command ?? null, 'subtype') !== 'AT_ChangeOwner') return null
  const owner = ownName(childOf(command ?? null, 'newowner'))
  const relation = childOf(node, 'relation')
  const table = textOf(relation, 'relname')
  if (owner === null || table === null) return null
  const name = [textOf(relation, 'schemaname'), table].flatMap((part) =>
    part === null ? [] : quoteName(part),
  )
  return [giveTo('relation', name.join('.'), owner, source, node.missing_ok === true)]
}

export const alterSchemaOwner: Rewrite = (node, source) => {
  const owner = ownName(childOf(node, 'newowner'))
  const schema = textOf(childOf(childOf(node, 'object'), 'String'), 'sval')
  if (owner === null || schema === null) return null
  return [giveTo('schema', quoteName(schema), owner, source, false)]
}

/** CREATE SCHEMA … AUTHORIZATION */
export const createSchemaFor: Rewrite = (node, source) => {
  const owner = ownName(childOf(node, 'authrole'))
  const schema = textOf(node, 'schemaname') ?? owner
  if (owner === null || schema === null || listOf(node, 'schemaElts').length > 0) return null
  const create = `create schema ${node.if_not_exists === true ? 'if not exists ' : ''}${quoteName(schema)}`
  if (/['\\]/.test(create)) return null
  return [create, giveTo('schema', quoteName(schema), owner, source, false)]
}

function giveTo(
  kind: 'relation' | 'schema',
  name: string,
  owner: string,
  { quote }: Source,
  missingOk: boolean,
): string {
  // Found here, under the search_path of who names it.
  const found = `pg_catalog.${kind === 'schema' ? 'to_regnamespace' : 'to_regclass'}(${quote.text(name)})::pg_catalog.oid`
  const parts = [quote.text(kind), quote.text(name), found, quote.text(owner), String(missingOk)]
  return `perform pg_favo.change_owner(${parts.join(', ')})`
}
