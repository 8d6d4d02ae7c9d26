import { tokensOf } from './tokens.ts'

/**
 * Whether a text could hold a statement that `interpose` would rewrite: synchronous, about a microsecond for an ordinary
 * statement, so that these never pay for the parser. True for some texts that turn out to need nothing; never false for
 * one that does, because a keyword of SQL can only be written out in full (quoted or escaped it is a name).
 */
export function mayNeedInterposing(sqlText: string): boolean {
  return SUBJECT.test(sqlText) && hasVerb(sqlText)
}

/** The same of one statement, by its first word; `do` and `set` on lines of their own are common in INSERT and UPDATE. */
export function isCandidate(statement: string): boolean {
  const [first] = tokensOf(statement)
  if (first?.kind !== 'word') return false
  return verbs.has(statement.slice(first.start, first.end).toLowerCase()) && SUBJECT.test(statement)
}

const verbs = new Set(['alter', 'comment', 'create', 'do', 'drop', 'grant', 'reassign', 'revoke', 'set'])
const VERB =
  /(?<![\w$\u0080-\uffff])(?:alter|comment|create|do|drop|grant|reassign|revoke|set)(?![\w$\u0080-\uffff])/gi

/**
 * A first word, where a statement can begin: `do`, `set` and `comment` are ordinary words elsewhere, so it must follow the
 * start of the text, a semicolon, a comment, or the line break that ends one. Looking back by hand: as a regular
 * expression it would take quadratic time for a text of spaces.
 */
function hasVerb(text: string): boolean {
  VERB.lastIndex = 0
  for (let found = VERB.exec(text); found !== null; found = VERB.exec(text)) {
    let before = found.index - 1
    while (before >= 0 && SPACE.has(text.charCodeAt(before))) before--
    if (before < 0 || PRECEDING.has(text.charCodeAt(before))) return true
  }
  return false
}

const SPACE = new Set([0x20, 0x09, 0x0b, 0x0c])
/** Semicolon, line breaks, the end of a comment, a byte order mark. */
const PRECEDING = new Set([0x3b, 0x0a, 0x0d, 0x2f, 0xfeff])

const SUBJECT =
  /(?<![\w$\u0080-\uffff])(?:authorization|database|do|event|extension|grant|group|owned|owner|policy|privileges|publication|revoke|role|user)(?![\w$\u0080-\uffff])/i
