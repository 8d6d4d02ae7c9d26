import { randomBytes } from 'node:crypto'
import type { ProjectDetails } from '@favo/contracts'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { JsonOptions } from '../../program.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'

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

/** Also brings a removed project back; that is in no list of projects. */
export async function resumeProject(terminal: Terminal, wanted: string, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const removed = (await client.listRemovedProjects()).find(
    ({ ref, name }) => ref === wanted || name === wanted,
  )
  const { ref } = removed ?? (await findProject(client, wanted))
  await client.restoreProject(ref)
  tell(terminal, options, await client.getProject(ref), 'is open again.')
}

/** Asks a person first. A script that names a project means it. */
export async function deleteProject(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions & { readonly yes?: true; readonly forGood?: true },
): Promise<void> {
  const client = await connect(terminal)
  const project = await findProject(client, wanted)
  if (terminal.isInteractive && options.yes !== true && options.json !== true) await confirm(project)
  const deleted = await client.deleteProject(project.ref, options.forGood === true)
  const until = deleted.restorable_until ?? null
  if (options.json === true)
    return printJson(terminal, { ref: deleted.ref, name: deleted.name, restorable_until: until })
  terminal.out(
    until === null
      ? `Project ${deleted.name} (${deleted.ref}) and all of its data are gone.\n`
      : `Project ${deleted.name} (${deleted.ref}) is removed. Until ${until.slice(0, 16).replace('T', ' ')} UTC it comes back with: npx favo projects resume ${deleted.ref}\n`,
  )
}

async function confirm(project: ProjectDetails): Promise<void> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(
      `This removes ${project.name} (${project.ref}) and all of its data. Type its name to go on: `,
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

export async function restartProject(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions,
): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, wanted)
  await client.restartProject(ref)
  tell(terminal, options, await client.getProject(ref), 'is up again; all of its sessions were ended.')
}

export async function updateProject(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions & { readonly name?: string; readonly subdomain?: string },
): Promise<void> {
  const { name, subdomain } = options
  if (name === undefined && subdomain === undefined)
    throw new CommandError('Say what to change: --name or --subdomain.', exitCodes.usage)
  const client = await connect(terminal)
  const { ref } = await findProject(client, wanted)
  await client.updateProject(ref, { name, subdomain })
  const changed = await client.getProject(ref)
  tell(terminal, options, changed, `has the subdomain ${changed.subdomain}.`)
}

export async function showStatus(terminal: Terminal, wanted: string, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const report = await client.getStatus((await findProject(client, wanted)).ref)
  if (options.json === true) return printJson(terminal, report)
  const when = (time: string) => time.slice(0, 19).replace('T', ' ')
  terminal.out(`${report.name} (${report.ref}) is ${report.status} since ${when(report.since)} UTC.\n`)
  if (report.error !== null) terminal.out(`Last error: ${report.error}\n`)
  for (const { name, healthy, error } of report.services)
    terminal.out(`  ${name.padEnd(10)}${healthy ? 'healthy' : `unhealthy: ${error ?? 'no reason given'}`}\n`)
  terminal.out('\nLately:\n')
  for (const { at, status, step, error } of report.history.slice(0, 10))
    terminal.out(
      `  ${when(at)}  ${status}${step === null ? '' : ` (${step})`}${error === null ? '' : `: ${error}`}\n`,
    )
}

export async function listRemoved(terminal: Terminal, options: JsonOptions): Promise<void> {
  const removed = await (await connect(terminal)).listRemovedProjects()
  if (options.json === true) return printJson(terminal, removed)
  if (removed.length === 0) return terminal.out('No removed projects wait to be dropped.\n')
  terminal.out(
    renderTable(
      ['REF', 'NAME', 'RESTORABLE UNTIL'],
      removed.map(({ ref, name, restorable_until }) => [
        ref,
        name,
        restorable_until.slice(0, 16).replace('T', ' '),
      ]),
    ),
  )
}

/** The new password goes to standard output alone, so that a script can keep it. */
export async function resetPassword(
  terminal: Terminal,
  wanted: string,
  options: JsonOptions & { readonly password?: string },
): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, wanted)
  const password = options.password ?? randomBytes(18).toString('base64url')
  await client.resetDatabasePassword(ref, password)
  if (options.json === true) return printJson(terminal, { ref, password })
  terminal.out(`${password}\n`)
  terminal.err('This is the database password from now on. It is not shown again.\n')
}
