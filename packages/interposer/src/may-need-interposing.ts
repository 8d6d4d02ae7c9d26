/**
 * Whether a text could hold a statement that `interpose` would rewrite: synchronous, about a microsecond for an ordinary
 * statement, so that these never pay for the parser. True for some texts that turn out to need nothing; never false for
 * one that does, because a keyword of SQL can only be written out in full (quoted or escaped it is a name).
 */
export function mayNeedInterposing(sqlText: string): boolean {
  return START.test(sqlText) && SUBJECT.test(sqlText)
}

/**
 * The first word of a statement, where one can begin. `do` and `set` are ordinary words elsewhere, so it must follow the
 * start of the text, a semicolon, a comment, or the line break that ends one.
 */
const START =
  /(?:^|[;\n\r/]|\ufeff)[\s]*(?:alter|comment|create|do|drop|grant|reassign|reset|revoke|set)(?![\w$\u0080-\uffff])/i

const SUBJECT =
  /(?<![\w$\u0080-\uffff])(?:authorization|database|do|event|extension|grant|group|owned|owner|policy|privileges|publication|revoke|role|user)(?![\w$\u0080-\uffff])/i
