import type { Statement } from '@favo/interposer'

/** What a statement does to the transaction it runs in; null for everything else, savepoints included. */
export function transactionEffect({ words }: Statement): 'opens' | 'ends' | null {
  const [first, second] = words
  if (first === 'begin' || (first === 'start' && second === 'transaction')) return 'opens'
  if (first === 'commit' || first === 'end' || first === 'abort') return 'ends'
  if (first === 'rollback')
    // `rollback [work|transaction] to [savepoint] x` stays inside; `rollback prepared` is about another transaction.
    return words.includes('to') || second === 'prepared' ? null : 'ends'
  if (first === 'prepare' && second === 'transaction') return 'ends'
  return null
}

/** `commit and chain` ends one transaction and opens the next. */
const chains = ({ words }: Statement): boolean => words.includes('chain') && !words.includes('no')

/** True when the last transaction that the statements open is not ended by them. */
export function leavesTransactionOpen(statements: readonly Statement[]): boolean {
  let isOpen = false
  for (const statement of statements) {
    const effect = transactionEffect(statement)
    if (effect === 'opens') isOpen = true
    else if (effect === 'ends') isOpen = isOpen && chains(statement)
  }
  return isOpen
}

/**
 * A file that is wrapped as a whole in `begin … commit` means the one transaction that it gets anyway. Without the wrapper
 * the row of the history belongs to the same transaction.
 */
export function unwrapTransaction(statements: readonly Statement[]): readonly Statement[] {
  const runnable = statements.filter(isRunnable)
  const [first] = runnable
  const last = runnable.at(-1)
  const control = runnable.filter((statement) => transactionEffect(statement) !== null)
  const isWrapped =
    control.length === 2 &&
    first !== undefined &&
    transactionEffect(first) === 'opens' &&
    // A transaction with modes (`begin isolation level serializable`) means more than the default one.
    first.words.every((word) => ['begin', 'start', 'transaction', 'work'].includes(word)) &&
    (last?.words[0] === 'commit' || last?.words[0] === 'end') &&
    !chains(last)
  return isWrapped ? runnable.slice(1, -1) : runnable
}

/** False for comments alone. A statement that begins with a parenthesis has words, too. */
export const isRunnable = ({ words, text }: Statement): boolean =>
  words.length > 0 || text.replace(/--.*|\/\*[\s\S]*?\*\//g, '').trim() !== ''

/** COPY through the connection itself needs a client that speaks it. */
export const copiesThroughConnection = ({ text, words }: Statement): boolean =>
  words[0] === 'copy' && /\b(?:from\s+stdin|to\s+stdout)\b/i.test(text)

/**
 * Statements that Postgres refuses in a transaction (PreventInTransactionBlock in PostgreSQL 18); some a customer may not
 * run at all, and shall hear that. Supabase's CLI sends a file that has one statement by itself; a file with several gets them one by one here.
 */
export function refusesTransaction({ text, words }: Statement): boolean {
  const [first, second, third] = words
  switch (first) {
    case 'vacuum':
      return true
    case 'create':
      return second === 'database' || (words.includes('index') && words.includes('concurrently'))
    case 'drop':
      return second === 'database' || (second === 'index' && third === 'concurrently')
    case 'reindex':
      return words.some((word) => ['concurrently', 'database', 'schema', 'system'].includes(word))
    case 'cluster':
      return words.every((word) => ['cluster', 'verbose'].includes(word))
    case 'alter':
      return second === 'system' || /\bdetach\s+partition\b[\s\S]*\bconcurrently\b/i.test(text)
    default:
      return false
  }
}
