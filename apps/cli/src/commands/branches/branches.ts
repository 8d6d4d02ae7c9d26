import type { ControlClient } from '@favo/client'
import type { Branch } from '@favo/contracts'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { BranchOptions, ProjectOptions } from '../../more-groups.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'
import { renderConnection } from '../projects/render-connection.ts'

export async function listBranches(terminal: Terminal, options: ProjectOptions): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const branches = await client.listBranches(ref)
  if (options.json === true) return printJson(terminal, branches)
  if (branches.length === 0)
    return terminal.out('No branches yet. Make one with: npx favo branches create NAME --project PROJECT\n')
  terminal.out(
    renderTable(
      ['NAME', 'REF', 'STATUS', 'DATA', 'EXPIRES'],
      branches.map((branch) => [
        branch.is_default ? `${branch.name} (the project)` : branch.name,
        branch.project_ref,
        branch.status === 'FUNCTIONS_DEPLOYED' ? (branch.preview_project_status ?? '') : branch.status,
        branch.with_data ? 'copied' : 'by migrations',
        branch.deletion_scheduled_at?.slice(0, 16).replace('T', ' ') ?? 'never',
      ]),
    ),
  )
  for (const { name, error } of branches) if (error !== undefined) terminal.err(`${name}: ${error}\n`)
}

export async function createBranch(terminal: Terminal, name: string, options: BranchOptions): Promise<void> {
  const hours = options.expiresInHours === undefined ? undefined : Number(options.expiresInHours)
  if (hours !== undefined && !(hours > 0 && hours <= 8_760))
    throw new CommandError('--expires-in-hours must be a number of hours up to 8760.', exitCodes.usage)
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const branch = await client.createBranch(ref, {
    branch_name: name,
    with_data: options.withData === true,
    persistent: options.persistent === true,
    ...(options.gitBranch === undefined ? {} : { git_branch: options.gitBranch }),
    ...(hours === undefined ? {} : { expires_in_hours: hours }),
  })
  if (branch.status === 'CREATING_PROJECT') {
    if (options.json === true) return printJson(terminal, branch)
    return terminal.out(`The data are still being copied. See: npx favo branches list --project ${ref}\n`)
  }
  const connection = await client.getConnection(branch.project_ref)
  if (options.json === true) return printJson(terminal, { ...branch, connection })
  terminal.out(`Branch ${name} is up.\n\n${renderConnection(connection)}`)
  if (branch.error !== undefined) terminal.err(`\n${branch.error}\n`)
}

export async function deleteBranch(terminal: Terminal, name: string, options: ProjectOptions): Promise<void> {
  const client = await connect(terminal)
  const branch = await findBranch(client, name, options.project)
  await client.deleteBranch(branch.id)
  if (options.json === true) return printJson(terminal, { name: branch.name, ref: branch.project_ref })
  terminal.out(`The branch ${branch.name} and its data are gone.\n`)
}

export async function actOnBranch(
  terminal: Terminal,
  action: 'merge' | 'push' | 'reset',
  name: string,
  options: ProjectOptions & { readonly upTo?: string },
): Promise<void> {
  const client = await connect(terminal)
  const branch = await findBranch(client, name, options.project)
  const { applied } = await client.runBranchAction(branch.id, action, options.upTo)
  if (options.json === true) return printJson(terminal, { branch: branch.name, applied })
  terminal.out(applied.length === 0 ? 'There was nothing to apply.\n' : `Applied ${applied.join(', ')}.\n`)
}

export async function diffBranch(terminal: Terminal, name: string, options: ProjectOptions): Promise<void> {
  const client = await connect(terminal)
  const branch = await findBranch(client, name, options.project)
  const sql = await client.diffBranch(branch.id)
  if (options.json === true) return printJson(terminal, { branch: branch.name, sql })
  if (sql === '') terminal.err('The branch has no migration that the project lacks.\n')
  terminal.out(sql)
}

async function findBranch(client: ControlClient, wanted: string, project: string): Promise<Branch> {
  const { ref } = await findProject(client, project)
  const branches = await client.listBranches(ref)
  const branch = branches.find(({ name, id, project_ref }) => [name, id, project_ref].includes(wanted))
  if (branch === undefined)
    throw new CommandError(`There is no branch ${wanted}. See: npx favo branches list --project ${project}`)
  return branch
}
