import { findRoleSpecs, listOfType, optionsOf, childOf, textOf, type Node } from '../tree.ts'
import type { Source } from './rewrite.ts'
import { ownName } from './role-names.ts'

const NAME = /"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/uy

/**
 * A statement that names roles which may be the customer's own: GRANT, policies, owners, default privileges. It runs with
 * the rights of who sent it, cut into pieces: text, name, text, name, …, text; the names are looked up when it runs.
 */
export function rewriteNamedRoles(type: string, node: Node, source: Source): readonly string[] | null {
  const bytes = Buffer.from(source.text)
  const places = findRoleSpecs(node)
    .filter((spec) => ownName(spec) !== null && typeof spec.location === 'number')
    .map((spec) => ({ name: ownName(spec) ?? '', at: characters(bytes, Number(spec.location)) }))
    .sort((a, b) => a.at - b.at)
  if (places.length === 0) return null

  const parts: string[] = []
  let done = 0
  for (const { name, at } of places) {
    NAME.lastIndex = at
    const end = NAME.exec(source.text) === null ? -1 : NAME.lastIndex
    // U&"…" and whatever else is not spelled as a plain name.
    if (end === -1 || at < done || !spells(source.text.slice(at, end), name)) return null
    parts.push(source.text.slice(done, at), name)
    done = end
  }
  parts.push(source.text.slice(done))
  const acting = type === 'AlterDefaultPrivilegesStmt' ? actingRole(node) : null
  const { quote } = source
  return [`perform pg_favo.run_for_roles(${quote.array(parts)}, ${quote.text(acting)})`]
}

const characters = (bytes: Buffer, offset: number): number => bytes.subarray(0, offset).toString().length

const spells = (token: string, name: string): boolean =>
  token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') === name : token.toLowerCase() === name

/** Default privileges are a role's own to change, and postgres does not act for the customer's roles by itself. */
function actingRole(node: Node): string | null {
  const roles = optionsOf(node).get('roles') ?? null
  const specs = listOfType(childOf(childOf(roles, 'arg'), 'List'), 'items', 'RoleSpec')
  return specs.length === 1 && textOf(specs[0] ?? null, 'roletype') === 'ROLESPEC_CSTRING'
    ? ownName(specs[0] ?? null)
    : null
}
