import { tokensOf } from './tokens.ts'

/**
 * Whether a text could hold a statement that `interpose` would rewrite: synchronous, about a microsecond for an ordinary
 * statement, so that these never pay for the parser. True for some texts that turn out to need nothing; never false for
 * one that does, because a keyword of SQL can only be written out in full (quoted or escaped it is a name).
 */
export function mayNeedInterposing(sqlText: string): boolean {
  return START.test(sqlText) && SUBJECT.test(sqlText)
}

/** The same of one statement, by its first word; `do` and `set` on lines of their own are common in INSERT and UPDATE. */
export function isCandidate(statement: string): boolean {
  const [first] = tokensOf(statement)
  if (first?.kind !== 'word') return false
  return verbs.has(statement.slice(first.start, first.end).toLowerCase()) && SUBJECT.test(statement)
}

const verbs = new Set(['alter', 'comment', 'create', 'do', 'drop', 'grant', 'reassign', 'revoke', 'set'])

/**
 * A first word, where a statement can begin: `do`, `set` and `comment` are ordinary words elsewhere, so it must follow the
 * start of the text, a semicolon, a comment, or the line break that ends one.
 */
const START =
  /(?:^|[;\n\r/\ufeff])\s*(?:alter|comment|create|do|drop|grant|reassign|revoke|set)(?![\w$\u0080-\uffff])/i

const SUBJECT =
  /(?<![\w$\u0080-\uffff])(?:authorization|database|do|event|extension|grant|group|owned|owner|policy|privileges|publication|revoke|role|user)(?![\w$\u0080-\uffff])/i
