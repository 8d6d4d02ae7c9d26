import { childOf, listOf, textOf, type Node } from '../tree.ts'
import type { Quoting } from '../quoting.ts'
import type { Rewrite } from './rewrite.ts'
import { roleExpression } from './role-names.ts'

/** ALTER DATABASE postgres SET: every session finds its own database under that name. */
export const alterDatabaseSet: Rewrite = (node, { quote }) => {
  if (textOf(node, 'dbname') !== 'postgres') return null
  return settingCall(childOf(node, 'setstmt'), 'db', [], quote)
}

/** ALTER ROLE … [IN DATABASE postgres] SET, and ALTER ROLE ALL, which is the database's. */
export const alterRoleSet: Rewrite = (node, { quote }) => {
  const database = textOf(node, 'database')
  if (database !== null && database !== 'postgres') return null
  const role = childOf(node, 'role')
  const name = roleExpression(role, quote)
  if (role !== null && name === null) return null
  return settingCall(
    childOf(node, 'setstmt'),
    name === null ? 'db' : 'role',
    name === null ? [] : [name],
    quote,
  )
}

function settingCall(
  set: Node | null,
  target: 'db' | 'role',
  before: readonly string[],
  quote: Quoting,
): readonly string[] | null {
  if (textOf(set, 'kind') === 'VAR_RESET_ALL')
    return [`perform pg_favo.reset_${target}_settings(${before.join(', ')})`]
  const name = textOf(set, 'name')
  const value = name === null ? null : valueOf(set, name, quote)
  if (name === null || value === null) return null
  return [`perform pg_favo.${target}_setting(${[...before, quote.text(name), value].join(', ')})`]
}

/** An expression for the value; null when it is of a kind that no customer's setting has. */
function valueOf(set: Node | null, name: string, quote: Quoting): string | null {
  switch (textOf(set, 'kind')) {
    case 'VAR_RESET':
    case 'VAR_SET_DEFAULT':
      return 'null'
    case 'VAR_SET_CURRENT':
      return `pg_catalog.current_setting(${quote.text(name)})`
    case 'VAR_SET_VALUE': {
      const values = listOf(set, 'args').map((argument) => constantOf(childOf(argument, 'A_Const')))
      const texts = values.filter((value) => value !== null)
      if (texts.length < values.length) return null
      // Each argument is one schema, also one that has a comma or a capital in it.
      if (name === 'search_path')
        return quote.text(texts.map((schema) => `"${schema.replaceAll('"', '""')}"`).join(', '))
      return quote.text(texts.join(', '))
    }
    default:
      return null
  }
}

function constantOf(constant: Node | null): string | null {
  if (constant === null) return null
  const integer = childOf(constant, 'ival')
  // Zero is left out of the tree.
  if (integer !== null) return typeof integer.ival === 'number' ? String(integer.ival) : '0'
  return (
    textOf(childOf(constant, 'sval'), 'sval') ??
    textOf(childOf(constant, 'fval'), 'fval') ??
    (childOf(constant, 'sval') === null ? null : '')
  )
}
