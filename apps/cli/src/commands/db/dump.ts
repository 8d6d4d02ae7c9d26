import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ControlClient } from '@favo/client'
import { connect } from '../../connect.ts'
import { pgDump } from '../../dump/pg-dump.ts'
import {
  eventTriggers,
  extensionNames,
  publications,
  roles,
  schemaNames,
  tablesWithTriggers,
} from '../../dump/queries.ts'
import { findProject } from '../../find-project.ts'
import type { DumpOptions } from '../../more-commands.ts'
import { CommandError, exitCodes, type Terminal } from '../../terminal.ts'

/**
 * By a pg_dump that comes along (WebAssembly), as a login that expires by itself. It is a member of the owner, because one that
 * only reads is granted that table by table, and the grants would be in the dump; pg_dump itself opens a transaction that only reads.
 */
export async function dump(terminal: Terminal, options: DumpOptions): Promise<void> {
  const chosen = [options.dataOnly, options.schemaOnly, options.roleOnly, options.withData]
  if (chosen.filter((is) => is === true).length > 1)
    throw new CommandError(
      'Choose one of --schema-only, --data-only, --role-only and --with-data.',
      exitCodes.usage,
    )
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const pieces = await makeDump(client, ref, options)
  if (options.file === undefined) for (const piece of pieces) terminal.out(piece.toString('utf8'))
  else await writeFile(resolve(terminal.cwd, options.file), pieces)
}

async function makeDump(
  client: ControlClient,
  ref: string,
  options: DumpOptions,
): Promise<readonly Buffer[]> {
  const ask = async (query: string): Promise<string[]> =>
    (await client.runQuery(ref, { query, read_only: true })).map(({ text }) => String(text))
  if (options.roleOnly === true) return [lines(await ask(roles))]

  const schemas = options.schema?.split(',').map((name) => name.trim()) ?? (await ask(schemaNames))
  if (schemas.length === 0 || schemas.includes(''))
    throw new CommandError('There is no schema to dump; name some by --schema.', exitCodes.usage)
  const isEverything = options.schema === undefined
  const hasData = options.dataOnly === true || options.withData === true
  const hasDefinitions = options.dataOnly !== true
  const extensions = isEverything && hasDefinitions ? await ask(extensionNames) : []

  const [connection, login] = [await client.getConnection(ref), await client.createCliLogin(ref, false)]
  const { hostname, port } = new URL(connection.database.url)
  const made = await pgDump(
    {
      host: hostname,
      port: Number(port === '' ? 5432 : port),
      user: `${login.role}.${ref}`,
      password: login.password,
    },
    [
      ...(hasData ? [] : ['--schema-only']),
      ...(hasDefinitions ? [] : ['--data-only']),
      '--no-owner',
      `--rows-per-insert=${rowsPerInsert}`,
      ...schemas.map((name) => `--schema=${quoted(name)}`),
      ...extensions.map((name) => `--extension=${quoted(name)}`),
    ],
  ).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  })
  if (!hasDefinitions) {
    const tables = await ask(tablesWithTriggers(schemas))
    const turn = (how: 'disable' | 'enable') =>
      lines(tables.map((table) => `alter table ${table} ${how} trigger user;`))
    return [turn('disable'), ...made, turn('enable')]
  }
  const own = withoutLogins(made, await ask('select current_database()::text as text'))
  if (!isEverything) return own
  return [...own, lines([...(await ask(publications)), ...(await ask(eventTriggers))])]
}

/** Logins like our own that have not expired yet, and what they may read, are nobody's definition. */
function withoutLogins(pieces: readonly Buffer[], [database = '']: readonly string[]): Buffer[] {
  const grant = new RegExp(
    `^(?:GRANT|REVOKE) [A-Z, ]+ ON [^\\n]+ (?:TO|FROM) ${database}_cli[0-9a-f]{16};\\n`,
    'gm',
  )
  return pieces.map((piece) =>
    piece.includes(`${database}_cli`)
      ? Buffer.from(piece.toString('latin1').replace(grant, ''), 'latin1')
      : piece,
  )
}

/** Few enough that a statement stays short, and many enough that a million rows are not a million statements. */
const rowsPerInsert = 500

const lines = (statements: readonly string[]): Buffer =>
  Buffer.from(statements.map((statement) => `${statement}\n`).join(''))

/** As a pattern of pg_dump's that means just this name. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
