import { connect } from '../../connect.ts'
import type { JsonOptions } from '../../program.ts'
import { printJson, renderTable, type Terminal } from '../../terminal.ts'

export async function listProjects(terminal: Terminal, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const projects = await client.listProjects()
  if (options.json === true) return printJson(terminal, projects)
  if (projects.length === 0)
    return terminal.out('No projects yet. Make one with: npx favo projects create NAME\n')
  terminal.out(
    renderTable(
      ['REF', 'NAME', 'SUBDOMAIN', 'STATUS', 'CREATED'],
      projects.map((project) => [
        project.ref,
        project.name,
        project.subdomain,
        project.step === null ? project.status : `${project.status} (${project.step})`,
        project.created_at.slice(0, 16).replace('T', ' '),
      ]),
    ),
  )
  for (const { ref, error } of projects) if (error !== null) terminal.err(`${ref}: ${error}\n`)
}
