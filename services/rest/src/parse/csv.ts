/**
 * Comma-separated values with a header line (RFC 4180) into the JSON array of objects that the other payloads are.
 * `NULL` without more is null, everything else is text.
 */
export function csvToObjects(text: string): Record<string, string | null>[] | { error: string } {
  const rows = parseRows(text)
  if (rows === null) return { error: 'parse error (unterminated quoted field)' }
  const [header, ...lines] = rows
  if (header === undefined) return { error: 'parse error (not enough input)' }
  return lines.map((cells) => {
    const known = header.slice(0, cells.length)
    return Object.fromEntries(known.map((name, i) => [name, cells[i] === 'NULL' ? null : (cells[i] ?? '')]))
  })
}

/** Null when a quoted field does not end. Empty lines are skipped. */
function parseRows(text: string): string[][] | null {
  const rows: string[][] = []
  const cell = /(?:"([^"]*(?:""[^"]*)*)"|([^,"\r\n][^,\r\n]*|))(,|\r\n|\n|\r|$)/y
  let row: string[] = []
  while (cell.lastIndex <= text.length) {
    const start = cell.lastIndex
    const match = cell.exec(text)
    if (match === null) return null
    const [whole, quoted, bare = '', end] = match
    row.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'))
    if (end !== ',') {
      if (row.length > 1 || whole.length > (end?.length ?? 0)) rows.push(row)
      row = []
      if (start + whole.length >= text.length) return rows
    }
    cell.lastIndex = start + whole.length
  }
  return rows
}
