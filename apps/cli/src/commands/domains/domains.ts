import type { Domain } from '@favo/contracts'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { ProjectOptions } from '../../more-groups.ts'
import { CommandError, printJson, renderTable, type Terminal } from '../../terminal.ts'

export async function listDomains(terminal: Terminal, options: ProjectOptions): Promise<void> {
  const client = await connect(terminal)
  const domains = await client.listDomains((await findProject(client, options.project)).ref)
  if (options.json === true) return printJson(terminal, domains)
  if (domains.length === 0)
    return terminal.out('No domains yet. Add one with: npx favo domains add HOSTNAME --project PROJECT\n')
  terminal.out(
    renderTable(
      ['HOSTNAME', 'STATUS', 'LAST LOOK'],
      domains.map(({ hostname, status, error }) => [hostname, status, error ?? '']),
    ),
  )
}

export async function changeDomain(
  terminal: Terminal,
  action: 'add' | 'verify' | 'remove',
  hostname: string,
  options: ProjectOptions,
): Promise<void> {
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const domain = await { add: client.addDomain, verify: client.verifyDomain, remove: client.removeDomain }[
    action
  ](ref, hostname)
  if (options.json === true) printJson(terminal, domain)
  else terminal.out(sentences[action](domain))
  if (action === 'verify' && domain.status === 'pending')
    throw new CommandError(`${domain.hostname} is not verified: ${domain.error ?? 'no reason given'}.`)
}

const sentences: Record<'add' | 'verify' | 'remove', (domain: Domain) => string> = {
  add: ({ hostname, verification }) =>
    `Make this record at the name servers of ${hostname}:\n\n  ${verification.name}  TXT  "${verification.value}"\n\nThen: npx favo domains verify ${hostname} --project PROJECT\n`,
  verify: ({ hostname, status }) =>
    status === 'active' ? `The project answers at ${hostname}.\n` : `${hostname} is ${status}.\n`,
  remove: ({ hostname }) => `The project does not answer at ${hostname} any more.\n`,
}
