import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { resolve } from 'node:path'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { DumpOptions } from '../../more-commands.ts'
import { CommandError, exitCodes, type Terminal } from '../../terminal.ts'

/** By pg_dump as a login that only reads and expires by itself. */
export async function dump(terminal: Terminal, options: DumpOptions): Promise<void> {
  const schemas = options.schema.split(',').map((name) => name.trim())
  if (schemas.some((name) => !/^[A-Za-z_][\w$]{0,62}$/.test(name)))
    throw new CommandError('--schema takes names separated by commas.', exitCodes.usage)
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const [connection, login] = [await client.getConnection(ref), await client.createCliLogin(ref, true)]
  const url = new URL(connection.database.url)
  url.username = `${login.role}.${ref}`
  url.password = ''
  const args = [
    `--dbname=${url.href}`,
    options.dataOnly === true ? '--data-only' : '--schema-only',
    '--no-owner',
    ...schemas.map((name) => `--schema=${name}`),
  ]
  const out = options.file === undefined ? null : createWriteStream(resolve(terminal.cwd, options.file))
  const code = await new Promise<number | null>((done, fail) => {
    const child = spawn('pg_dump', args, {
      env: { PATH: terminal.env.PATH ?? '', PGPASSWORD: login.password },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (bytes: Buffer) => {
      if (out === null) terminal.out(bytes.toString('utf8'))
      else out.write(bytes)
    })
    child.stderr.on('data', (bytes: Buffer) => terminal.err(bytes.toString('utf8')))
    child.once('error', (error) =>
      fail(
        new CommandError(
          `pg_dump cannot be started (${error.message}). Install the client programs of Postgres.`,
        ),
      ),
    )
    child.once('close', done)
  })
  if (out !== null) await new Promise<void>((done) => out.end(done))
  if (code !== 0) throw new CommandError('pg_dump failed; what it says stands above.')
}
