import { quoteIdent, quoteLiteral } from '@favo/postgres'
import { withoutZero } from '../parse/literals.ts'
import type { QualifiedName } from '../schema-cache/types.ts'

/** The only ways by which a text of the request gets into a statement's text; values never do. */

export const ident = (name: string): string => quoteIdent(withoutZero(name))

/** For names that stand where SQL wants a literal: keys of JSON, text search configurations. */
export const literal = (text: string): string => quoteLiteral(withoutZero(text)).trim()

export const qualified = ({ schema, name }: QualifiedName): string => `${ident(schema)}.${ident(name)}`

/**
 * The type of a cast. It may be of several words (`double precision`), which cannot be quoted as one; words of letters and
 * digits are harmless. A dollar sign, which would open a string, makes it a quoted name.
 */
export function typeName(type: string): string {
  if (/^[\p{L}0-9_ ]+$/u.test(type)) return type
  return ident(type)
}
