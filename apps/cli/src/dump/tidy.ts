/**
 * A dump without what only psql understands, and without an error about the schema that every database has. Both stand at fixed
 * places, so that nothing is looked for in anybody's data: `\restrict` and its key in the first lines, `\unrestrict` with the
 * same key in the last, and the schema before everything that is in one.
 */
export function tidy(dump: Buffer): Buffer[] {
  const head = dump.toString('latin1', 0, 4_096)
  const opened = /^(?:--[^\n]*\n|\n)*(?<command>\\restrict (?<key>\w+)\n)/d.exec(head)
  const command = opened?.indices?.groups?.['command']
  const pieces: Buffer[] = []
  let from = 0
  const skip = (start: number, end: number, instead = ''): void => {
    pieces.push(dump.subarray(from, start), Buffer.from(instead))
    from = end
  }
  if (command !== undefined) skip(...command)

  const schema = '\nCREATE SCHEMA public;\n'
  const schemaAt = dump.indexOf(schema, from)
  const rowsAt = dump.indexOf('\nINSERT INTO ')
  if (schemaAt >= 0 && (rowsAt < 0 || schemaAt < rowsAt))
    skip(schemaAt, schemaAt + schema.length, '\nCREATE SCHEMA IF NOT EXISTS public;\n')

  const closing = `\n\\unrestrict ${opened?.groups?.['key'] ?? ''}\n`
  const closingAt = opened === null ? -1 : dump.lastIndexOf(closing)
  if (closingAt >= 0) skip(closingAt, closingAt + closing.length)
  pieces.push(dump.subarray(from))
  return pieces.filter(({ length }) => length > 0)
}
