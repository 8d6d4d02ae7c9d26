import { listOfType, stringsOf, childOf, textOf } from '../tree.ts'
import type { Rewrite } from './rewrite.ts'
import { roleExpressions } from './role-names.ts'

/** GRANT and REVOKE on the database under the name that it has for the customer. */
export const grantOnDatabase: Rewrite = (node, { quote }) => {
  const databases = stringsOf(node, 'objects')
  if (databases.length !== 1 || databases[0] !== 'postgres') return null
  const privileges = listOfType(node, 'privileges', 'AccessPriv').map(
    (privilege) => textOf(privilege, 'priv_name') ?? '',
  )
  const specs = listOfType(node, 'grantees', 'RoleSpec')
  const grantees = specs
    .filter(({ roletype }) => roletype === 'ROLESPEC_PUBLIC')
    .map(() => quote.text('public'))
    .concat(roleExpressions(specs, quote))
  return grantees.map(
    (grantee) =>
      `perform pg_favo.database_privileges(${quote.array(privileges)}, ${grantee}, ${String(node.is_grant === true)})`,
  )
}

/** Comments on what the cluster shares would be readable in every project. */
export const comment: Rewrite = (node, { quote }) => {
  const name = textOf(childOf(childOf(node, 'object'), 'String'), 'sval')
  if (name === null) return null
  const kind = new Map([
    ['OBJECT_DATABASE', 'database'],
    ['OBJECT_ROLE', 'role'],
    ['OBJECT_EVENT_TRIGGER', 'event trigger'],
    ['OBJECT_EXTENSION', 'extension'],
  ]).get(textOf(node, 'objtype') ?? '')
  if (kind === undefined || (kind === 'database' && name !== 'postgres')) return null
  const parts = [quote.text(kind), quote.text(name), quote.text(textOf(node, 'comment'))]
  return [`perform pg_favo.comment_on(${parts.join(', ')})`]
}
