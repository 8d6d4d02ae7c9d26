import { rewriteDoBlock } from './do-block.ts'
import { keepLines } from './lines.ts'
import { isCandidate, mayNeedInterposing } from './may-need-interposing.ts'
import { parseStatement } from './parser.ts'
import { createQuoting } from './quoting.ts'
import { rewrite } from './rewrites/index.ts'
import { splitStatements } from './split-statements.ts'

export interface InterposedStatement {
  /** What to send to Postgres. */
  readonly sql: string
  /** The piece of the source that it stands for, without the semicolon. */
  readonly original: string
  readonly interposed: boolean
}

/** Bodies of DO hold whole scripts; the parser passes over them quickly (1 MB: 30 ms). */
const DO_LENGTH_MAX = 1_048_576

/**
 * Cuts a text at its top-level semicolons and replaces the statements that Postgres would refuse (or take in another
 * sense) on a shared cluster by calls of `pg_favo` functions. Joined with `;` the pieces give the text again, and its
 * lines. Nothing to rewrite: one piece, the whole text.
 *
 * Text to text, without a database. Never throws: what cannot be read goes to Postgres as it is, which then says why.
 * Security does not rest on it: who sends the replacements by hand gets the same.
 */
export async function interpose(sqlText: string): Promise<InterposedStatement[]> {
  const untouched = [{ sql: sqlText, original: sqlText, interposed: false }]
  if (!mayNeedInterposing(sqlText)) return untouched
  try {
    const pieces: InterposedStatement[] = []
    let from = 0
    for (const { text, start } of await splitStatements(sqlText)) {
      const end = endOfPiece(sqlText, start + text.length)
      const original = sqlText.slice(from, end)
      const replacement = await interposeStatement(text)
      // What stands around it (empty statements, line breaks) stays, so that lines of later ones do.
      pieces.push({
        sql:
          replacement === null
            ? original
            : sqlText.slice(from, start) + replacement + sqlText.slice(start + text.length, end),
        original,
        interposed: replacement !== null,
      })
      from = end + 1
    }
    return pieces.some(({ interposed }) => interposed) ? pieces : untouched
  } catch {
    // A command of psql's, for one.
    return untouched
  }
}

/** The semicolon after a statement, between which and the statement is only space; or the end. */
function endOfPiece(source: string, from: number): number {
  const end = source.indexOf(';', from)
  return end === -1 ? source.length : end
}

/**
 * The replacement of one statement, or null when it stays as it is. It is one statement without result rows or parameters,
 * at most as many lines long as the original, and works inside a transaction as well as alone.
 */
export async function interposeStatement(text: string): Promise<string | null> {
  if (!isCandidate(text)) return null
  const found = await parseStatement(text, /\bdo\b/i.test(text) ? DO_LENGTH_MAX : undefined)
  if (found === null) return null
  if (found.type === 'DoStmt') return rewriteDoBlock(found.node, text)
  const quote = createQuoting(text)
  const calls = rewrite(found.type, found.node, { text, quote })
  return calls === null ? null : keepLines(`do ${quote.body(`begin ${calls.join('; ')}; end`)}`, text)
}
