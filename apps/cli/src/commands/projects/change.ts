import type { ProjectDetails } from '@favo/contracts'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { JsonOptions } from '../../program.ts'
import { CommandError, printJson, type Terminal } from '../../terminal.ts'

export async function pauseProject(terminal: Terminal, wanted: string, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, wanted)
  await client.pauseProject(ref)
  tell(
    terminal,
    options,
    await client.getProject(ref),
    `is paused. Open it again with: npx favo projects resume ${ref}`,
  )
}

export async function resumeProject(terminal: Terminal, wanted: string, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, wanted)
  await client.restoreProject(ref)
  tell(terminal, options, await client.getProject(ref), 'is open again.')
}

/** Asks a person first. A script that names a project means it. */
export async function deleteProject(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions & { readonly yes?: true },
): Promise<void> {
  const client = await connect(terminal)
  const project = await findProject(client, wanted)
  if (terminal.isInteractive && options.yes !== true && options.json !== true) await confirm(project)
  const deleted = await client.deleteProject(project.ref)
  if (options.json === true) return printJson(terminal, { ref: deleted.ref, name: deleted.name })
  terminal.out(`Project ${deleted.name} (${deleted.ref}) and all of its data are gone.\n`)
}

async function confirm(project: ProjectDetails): Promise<void> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(
      `This removes ${project.name} (${project.ref}) and all of its data for good. Type its name to go on: `,
    )
    if (answer.trim() !== project.name) throw new CommandError('Nothing was deleted.')
  } finally {
    lines.close()
  }
}

function tell(terminal: Terminal, options: JsonOptions, project: ProjectDetails, sentence: string): void {
  if (options.json === true) printJson(terminal, project)
  else terminal.out(`Project ${project.name} (${project.ref}) ${sentence}\n`)
}
