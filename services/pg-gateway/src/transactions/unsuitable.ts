import { errorMessage } from '../protocol/messages.ts'

/**
 * Statements that leave something on the session for later. On this port a session ends with its transaction, so they
 * could only seem to work; where the text shows one it is refused. What is hidden in functions is cleaned away unseen.
 */
export function findUnsuitable(text: string, isInTransaction: boolean): Buffer | null {
  const first = statementStart.exec(text)?.[0].length ?? 0
  const code = text.charCodeAt(first) | 0x20
  // Few statements begin with one of these letters that do not concern us here: c(reate), d(eclare), l(isten), p, s, w.
  if (!/[cdlpsw]/.test(String.fromCharCode(code))) return null
  const statement = first === 0 ? text : text.slice(first)
  if (/^listen\s/i.test(statement)) return refuse('LISTEN')
  if (/^declare\b[^;]*\bwith\s+hold\b/i.test(statement)) return refuse('a cursor WITH HOLD')
  if (
    /^(?:select|with|perform)\b/i.test(statement) &&
    /\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(/i.test(statement)
  )
    return refuse('a session-level advisory lock', 'Use pg_advisory_xact_lock, or the session port.')
  if (
    !isInTransaction &&
    !/;\s*\S/.test(statement) &&
    (/^create\s+(?:(?:local|global)\s+)?temp(?:orary)?\s/i.test(statement) ||
      /^select\b[^;]*\binto\s+temp(?:orary)?\s/i.test(statement)) &&
    !/\bon\s+commit\s+drop\b/i.test(statement)
  )
    return refuse(
      'a temporary object outside of a transaction',
      'Create it inside a transaction, or use the session port.',
    )
  return null
}

/** Blanks and comments. */
const statementStart = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/

const refuse = (what: string, hint = 'Use the session port.'): Buffer =>
  errorMessage({
    severity: 'ERROR',
    code: '0A000',
    message: `${what} is not available on the transaction port: a session there ends with its transaction`,
    hint,
  })
