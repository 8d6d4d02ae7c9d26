import type { ProjectConnection } from '@favo/contracts'
import { connect, readRunFile } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { JsonOptions } from '../../program.ts'
import { printJson, type Terminal } from '../../terminal.ts'
import { renderConnection } from './render-connection.ts'

export async function getProject(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions & { readonly admin?: true },
): Promise<void> {
  const client = await connect(terminal)
  const project = await findProject(client, wanted)
  const connection = await client.getConnection(project.ref)
  const shown = options.admin === true ? await addAdminUrl(terminal, connection) : connection
  if (options.json === true) return printJson(terminal, shown)
  terminal.out(`Project ${shown.name}\n\n${renderConnection(shown)}`)
  if (project.error !== null) terminal.err(`\nLast error: ${project.error}\n`)
}

/** From the operator's file on this machine; the server never tells it. */
async function addAdminUrl(terminal: Terminal, connection: ProjectConnection): Promise<ProjectConnection> {
  const url = new URL((await readRunFile(terminal)).admin_url)
  url.pathname = connection.database.name
  return { ...connection, database: { ...connection.database, admin_url: url.href } }
}
