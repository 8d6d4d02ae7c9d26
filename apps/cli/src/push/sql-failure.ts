import { ApiError } from '@favo/client'
import { CommandError } from '../terminal.ts'

/** Names file, statement and line, says what Postgres said, and points at the place, as Supabase's CLI does. */
export function explainSqlFailure(file: string, error: unknown): unknown {
  if (!(error instanceof ApiError) || error.sql === undefined) return error
  const { sql } = error
  const where = [
    ...(sql.statement === null ? [] : [`statement ${sql.statement}`]),
    ...(sql.line === null ? [] : [`line ${sql.line}`]),
  ].join(', ')
  return new CommandError(
    [
      `${file}${where === '' ? '' : `, ${where}`}: ${error.message} (SQLSTATE ${error.code})`,
      ...(sql.detail === null ? [] : [sql.detail]),
      ...(sql.hint === null ? [] : [`Hint: ${sql.hint}`]),
      ...(sql.text === null ? [] : ['', markPlace(sql.text, sql.position)]),
      '',
      'Nothing of this file was applied.',
    ].join('\n'),
  )
}

/** The statement down to the place of the error, at most its last eight lines, with a caret below. */
function markPlace(text: string, position: number | null): string {
  if (position === null) return text.split('\n').slice(0, 8).join('\n')
  const before = [...text].slice(0, position - 1).join('')
  const lineStart = before.lastIndexOf('\n') + 1
  const lineEnd = text.indexOf('\n', lineStart)
  const shown = text
    .slice(0, lineEnd === -1 ? undefined : lineEnd)
    .split('\n')
    .slice(-8)
    .join('\n')
  return `${shown}\n${' '.repeat([...before.slice(lineStart)].length)}^`
}
