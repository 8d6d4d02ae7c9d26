/**
 * A condition that a statement checks itself fails with an `invalid_text_representation` whose text says which one it was
 * and how many rows there were (compile/statement.ts, catalog.sql.ts). Null for any other message.
 */
export function guardOf(message: string): { code: string; rows: string } | null {
  const match = /favo:(PGRST\d{3}):(\d+)/.exec(message)
  return match === null ? null : { code: match[1] ?? '', rows: match[2] ?? '' }
}
