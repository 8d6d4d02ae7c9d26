/**
 * Cells to JavaScript values, for the platform's own queries (a caller's rows pass through as bytes).
 *
 * As node-postgres does, except: `int8` is a number while it is exact and otherwise a string; `date` stays text, because a
 * Date would be a moment in somebody's time zone; `timestamp` without zone is read as UTC, to which sessions are pinned.
 */
import pg from 'pg'
import type { Field, StepResult } from './types.ts'

type Parse = (text: string) => unknown

const exactInteger: Parse = (text) => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}
const asText: Parse = (text) => text
/** pg's types name only the scalar ones; array types have parsers all the same. */
const stockParser = pg.types.getTypeParser as (typeOid: number) => Parse
const parseTimestamp = stockParser(1184)
const utcTimestamp: Parse = (text) =>
  parseTimestamp(
    text.endsWith(' BC') ? `${text.slice(0, -3)}+00 BC` : text.includes('infinity') ? text : `${text}+00`,
  )

const own = new Map<number, Parse>([
  [20, exactInteger],
  [1082, asText],
  [1182, stockParser(1009)],
  [1114, utcTimestamp],
])

function parserOf(typeOid: number): Parse {
  return own.get(typeOid) ?? stockParser(typeOid)
}

/** Field lists are kept by the prepared statement that they belong to, so this is found again. */
const parsersOf = new WeakMap<readonly Field[], readonly Parse[]>()

/** The rows of a result as objects. Of two columns with one name the later wins. */
export function toRows<Row extends object>(result: StepResult): Row[] {
  let parsers = parsersOf.get(result.fields)
  if (parsers === undefined) {
    parsers = result.fields.map((field) => parserOf(field.typeOid))
    parsersOf.set(result.fields, parsers)
  }
  return result.rows.map((cells) => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      const name = result.fields[i]?.name ?? ''
      row[name] = cell === null || cell === undefined ? null : parsers[i]?.(cell.toString('utf8'))
    }
    return row as Row
  })
}

/** The count at the end of a command tag: `INSERT 0 3` is 3, `CREATE TABLE` is 0. */
export function rowCount(tag: string): number {
  const count = Number(tag.slice(tag.lastIndexOf(' ') + 1))
  return Number.isInteger(count) ? count : 0
}
