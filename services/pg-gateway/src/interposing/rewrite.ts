import { interpose, mayNeedInterposing, type InterposedStatement } from '@favo/interposer'

/** A text that Postgres gets instead of the client's. */
export interface Rewritten {
  readonly text: string
  /** Where an error in the new text lies in the client's; both count characters from 1. */
  originalPosition(position: number): number
}

/** Longer texts pass as they are: what needs rewriting is short, and a dump of megabytes is not worth reading. */
export const interposedBytesMax = 4 * 2 ** 20

/** Cheap; true for statements that may have to be rewritten. */
export const mayNeedRewriting = (text: string): boolean => mayNeedInterposing(text)

/** Null when nothing in the text needs rewriting. */
export async function rewrite(text: string): Promise<Rewritten | null> {
  const statements = await interpose(text)
  if (!statements.some(({ interposed }) => interposed)) return null
  return { text: statements.map(({ sql }) => sql).join(';'), originalPosition: positions(text, statements) }
}

/** In a statement that was replaced, an error is shown at the start of what the client wrote. */
function positions(text: string, statements: readonly InterposedStatement[]) {
  let originalAt = 0
  let newAt = 0
  const pieces = statements.map(({ sql, original, interposed }) => {
    const found = text.indexOf(original, originalAt)
    const start = found < 0 ? originalAt : found
    originalAt = start + original.length
    const piece = {
      newStart: newAt,
      newEnd: newAt + countCharacters(sql),
      start: countCharacters(text.slice(0, start)),
      // Comments and line breaks before a statement belong to it.
      firstWord: countCharacters(/^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/.exec(original)?.[0] ?? ''),
      interposed,
    }
    newAt = piece.newEnd + 1
    return piece
  })
  return (position: number): number => {
    const piece = pieces.find(({ newEnd }) => position - 1 <= newEnd)
    if (piece === undefined) return 1
    return piece.start + 1 + (piece.interposed ? piece.firstWord : position - 1 - piece.newStart)
  }
}

/** Postgres counts characters, not UTF-16 units. */
const countCharacters = (text: string): number => [...text].length
