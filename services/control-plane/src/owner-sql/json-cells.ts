import type { Field, StepResult } from '@favo/postgres'

/**
 * Rows as JSON objects. Types as Supabase's query endpoint has them (postgres-meta over node-postgres): booleans, numbers
 * that a double holds, JSON and arrays of those as such; dates, numeric and everything else as Postgres' text.
 */
export function rowsToJson(result: StepResult): Record<string, unknown>[] {
  const readers = result.fields.map(readerOf)
  return result.rows.map((row) => {
    const object: Record<string, unknown> = {}
    row.forEach((cell, i) => {
      const field = result.fields[i]
      const read = readers[i]
      if (field === undefined || read === undefined) return
      // Not by assignment: a column may be called __proto__.
      Object.defineProperty(object, field.name, {
        value: cell === null ? null : read(cell.toString('utf8')),
        enumerable: true,
        writable: true,
        configurable: true,
      })
    })
    return object
  })
}

type Reader = (text: string) => unknown

const readText: Reader = (text) => text
const readBoolean: Reader = (text) => text === 't'
const readFloat: Reader = (text) => {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}
const readInteger: Reader = (text) => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : text
}
const readJson: Reader = (text) => JSON.parse(text) as unknown

/** Element types by OID, and the OIDs of their array types. */
const scalars: readonly (readonly [oid: number, arrayOid: number, Reader])[] = [
  [16, 1000, readBoolean],
  [20, 1016, readInteger],
  [21, 1005, readInteger],
  [23, 1007, readInteger],
  [26, 1028, readInteger],
  [700, 1021, readFloat],
  [701, 1022, readFloat],
  [114, 199, readJson],
  [3802, 3807, readJson],
  [25, 1009, readText],
  [1043, 1015, readText],
  [1042, 1014, readText],
  [19, 1003, readText],
  [18, 1002, readText],
  [2950, 2951, readText],
  [1700, 1231, readText],
  [1082, 1182, readText],
  [1083, 1183, readText],
  [1114, 1115, readText],
  [1184, 1185, readText],
  [1186, 1187, readText],
]
const readers = new Map<number, Reader>(
  scalars.flatMap(([oid, arrayOid, read]) => [
    [oid, read],
    [arrayOid, (text: string) => parseArray(text, read)],
  ]),
)
const readerOf = (field: Field): Reader => readers.get(field.typeOid) ?? readText

/** Reads Postgres' array text (`{1,NULL,"a \"b\""}`, nested, with optional bounds in front). */
export function parseArray(text: string, read: Reader): unknown[] {
  let at = text.indexOf('{')
  const parseList = (): unknown[] => {
    const list: unknown[] = []
    at++
    while (at < text.length && text[at] !== '}') {
      if (text[at] === ',') at++
      else if (text[at] === '{') list.push(parseList())
      else if (text[at] === '"') list.push(read(parseQuoted()))
      else {
        const end = at + text.slice(at).search(/[,}]/)
        const word = text.slice(at, end)
        list.push(word === 'NULL' ? null : read(word))
        at = end
      }
    }
    at++
    return list
  }
  const parseQuoted = (): string => {
    let value = ''
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++
      value += text[at] ?? ''
    }
    at++
    return value
  }
  return parseList()
}
