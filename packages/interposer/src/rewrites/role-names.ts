import { isSharedName } from '../labels.ts'
import type { Quoting } from '../quoting.ts'
import { textOf, type Node } from '../tree.ts'

/** An expression for the name that a role specification means; null when there is none. */
export function roleExpression(spec: Node | null, quote: Quoting): string | null {
  switch (textOf(spec, 'roletype')) {
    case 'ROLESPEC_CSTRING':
      return quote.text(textOf(spec, 'rolename'))
    case 'ROLESPEC_CURRENT_USER':
    case 'ROLESPEC_CURRENT_ROLE':
      return 'current_user::pg_catalog.text'
    // The session's own user is a login of the platform's making; the customer means the owner.
    case 'ROLESPEC_SESSION_USER':
      return quote.text('postgres')
    default:
      return null
  }
}

export const roleExpressions = (specs: readonly Node[], quote: Quoting): string[] =>
  specs.flatMap((spec) => roleExpression(spec, quote) ?? [])

/** The name, if it may be one of the customer's own roles. */
export function ownName(spec: Node | null): string | null {
  const name = textOf(spec, 'roletype') === 'ROLESPEC_CSTRING' ? textOf(spec, 'rolename') : null
  return name === null || isSharedName(name) ? null : name
}
