import { isSharedName } from '../labels.ts'
import { argumentOf, childOf, listOf, listOfType, optionsOf, textOf, type Node } from '../tree.ts'
import type { Rewrite } from './rewrite.ts'
import { ownName, roleExpression, roleExpressions } from './role-names.ts'

/** Options of CREATE ROLE that are memberships: which of the two is the new role. */
const memberships = new Map([
  ['addroleto', 'member'],
  ['rolemembers', 'group'],
  ['adminmembers', 'group'],
])

/** Attributes as `{ canlogin: true, password: 'x', … }`, by the parser's names. */
function attributesOf(options: ReadonlyMap<string, Node>): Record<string, unknown> {
  return Object.fromEntries(
    [...options]
      .filter(([name]) => !memberships.has(name))
      // PASSWORD NULL has no argument.
      .map(([name, option]) => [
        name,
        name === 'password' && childOf(option, 'arg') === null ? null : argumentOf(option),
      ]),
  )
}

export const createRole: Rewrite = (node, { quote }) => {
  const name = textOf(node, 'role')
  if (name === null) return null
  const options = optionsOf(node)
  const attributes = attributesOf(options)
  if (textOf(node, 'stmt_type') === 'ROLESTMT_USER') attributes.canlogin ??= true
  const created = quote.text(name)
  const grants = [...memberships].flatMap(([option, side]) => {
    const others = listOfType(
      childOf(childOf(options.get(option) ?? null, 'arg'), 'List'),
      'items',
      'RoleSpec',
    )
    return roleExpressions(others, quote).map((other) =>
      side === 'member'
        ? `perform pg_favo.grant_role(${other}, ${created})`
        : `perform pg_favo.grant_role(${created}, ${other})`,
    )
  })
  return [`perform pg_favo.create_role_with(${created}, ${quote.json(attributes)})`, ...grants]
}

/**
 * ALTER ROLE of attributes. For `postgres` it is about its password alone: without us Postgres would take it for the label
 * that all projects share, and nothing would seem wrong.
 */
export const alterRole: Rewrite = (node, { quote }) => {
  const role = childOf(node, 'role')
  const name = roleExpression(role, quote)
  if (name === null) return null
  const options = optionsOf(node)
  const isOwner = textOf(role, 'rolename') === 'postgres' || textOf(role, 'roletype') !== 'ROLESPEC_CSTRING'
  if (!isOwner && ownName(role) === null && !options.has('password')) return null
  // ALTER GROUP x ADD USER y
  const members = options.get('rolemembers')
  if (members !== undefined) {
    const verb = node.action === -1 ? 'revoke_role' : 'grant_role'
    const specs = listOfType(childOf(childOf(members, 'arg'), 'List'), 'items', 'RoleSpec')
    return roleExpressions(specs, quote).map((member) => `perform pg_favo.${verb}(${name}, ${member})`)
  }
  return [`perform pg_favo.alter_role(${name}, ${quote.json(attributesOf(options))})`]
}

export const dropRole: Rewrite = (node, { quote }) => {
  const names = roleExpressions(listOfType(node, 'roles', 'RoleSpec'), quote)
  const missingOk = String(node.missing_ok === true)
  return names.map((name) => `perform pg_favo.drop_role(${name}, ${missingOk})`)
}

export const renameRole: Rewrite = (node, { quote }) => {
  const [name, newName] = [textOf(node, 'subname'), textOf(node, 'newname')]
  if (name === null || newName === null || isSharedName(name)) return null
  return [`perform pg_favo.rename_role(${quote.text(name)}, ${quote.text(newName)})`]
}

export const grantRole: Rewrite = (node, { quote }) => {
  const verb = node.is_grant === true ? 'grant_role' : 'revoke_role'
  // REVOKE ADMIN OPTION FOR: nobody has it here.
  if (node.is_grant !== true && listOf(node, 'opt').length > 0) return null
  const granted = listOfType(node, 'granted_roles', 'AccessPriv').map(({ priv_name: name }) => name)
  const grantees = roleExpressions(listOfType(node, 'grantee_roles', 'RoleSpec'), quote)
  return granted.flatMap((name) =>
    grantees.map(
      (grantee) =>
        `perform pg_favo.${verb}(${quote.text(typeof name === 'string' ? name : null)}, ${grantee})`,
    ),
  )
}

/** SET [SESSION|LOCAL] ROLE of a role that may be the customer's own. */
export const setRole: Rewrite = (node, { quote }) => {
  if (textOf(node, 'name') !== 'role' || textOf(node, 'kind') !== 'VAR_SET_VALUE') return null
  const [argument] = listOfType(node, 'args', 'A_Const')
  const name = textOf(childOf(argument ?? null, 'sval'), 'sval')
  if (name === null || name === 'none' || isSharedName(name)) return null
  return [`perform pg_favo.set_role(${quote.text(name)}, ${String(node.is_local === true)})`]
}

export const reassignOwned: Rewrite = (node, { quote }) => {
  const specs = listOfType(node, 'roles', 'RoleSpec')
  const to = childOf(node, 'newrole')
  const target = roleExpression(to, quote)
  if (target === null || ![...specs, to].some((spec) => ownName(spec) !== null)) return null
  return roleExpressions(specs, quote).map((from) => `perform pg_favo.reassign_owned(${from}, ${target})`)
}

export const dropOwned: Rewrite = (node, { quote }) => {
  const specs = listOfType(node, 'roles', 'RoleSpec')
  if (!specs.every((spec) => ownName(spec) !== null)) return null
  const cascade = String(textOf(node, 'behavior') === 'DROP_CASCADE')
  return roleExpressions(specs, quote).map((role) => `perform pg_favo.drop_owned(${role}, ${cascade})`)
}
