import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { QueryOptions } from '../../more-commands.ts'
import { explainSqlFailure } from '../../push/sql-failure.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'

/** Prints the rows of the last statement that returns any. */
export async function runQuery(
  terminal: Terminal,
  text: string | undefined,
  options: QueryOptions,
): Promise<void> {
  if ((text === undefined) === (options.file === undefined))
    throw new CommandError('Give the SQL, or --file.', exitCodes.usage)
  const query = text ?? (await readFile(resolve(terminal.cwd, options.file ?? ''), 'utf8'))
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const rows = await client
    .runQuery(ref, { query, ...(options.readOnly === true ? { read_only: true } : {}) })
    .catch((error: unknown) => {
      throw explainSqlFailure(options.file ?? 'The query', error)
    })
  if (options.json === true) return printJson(terminal, rows)
  const names = Object.keys(rows[0] ?? {})
  if (names.length > 0)
    terminal.out(
      renderTable(
        names,
        rows.map((row) => names.map((name) => show(row[name]))),
      ),
    )
  terminal.err(`${rows.length} row${rows.length === 1 ? '' : 's'}\n`)
}

function show(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll('\n', '\\n')
}
