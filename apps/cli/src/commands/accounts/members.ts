import type { AccountClient } from '@favo/client'
import { OrganizationRole, organizationRoles, type OrganizationMember } from '@favo/contracts'
import { connectAccounts } from '../../connect.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'
import type { JsonOption, OrganizationOption } from '../../accounts-program.ts'

const minute = (time: string) => time.slice(0, 16).replace('T', ' ')

export async function listMembers(terminal: Terminal, options: OrganizationOption): Promise<void> {
  const client = await connectAccounts(terminal)
  const members = await client.listMembers(options.organization)
  if (options.json === true) return printJson(terminal, members)
  terminal.out(
    renderTable(
      ['EMAIL', 'ROLE', 'SINCE'],
      members.map(({ email, role, created_at }) => [email, role, minute(created_at)]),
    ),
  )
}

export async function inviteMember(
  terminal: Terminal,
  email: string,
  role: string,
  options: OrganizationOption,
): Promise<void> {
  const client = await connectAccounts(terminal)
  const invitation = await client.createInvitation(options.organization, { email, role: readRole(role) })
  if (options.json === true) return printJson(terminal, invitation)
  terminal.out(`${invitation.email} is invited until ${minute(invitation.expires_at)} UTC.\n`)
}

export async function changeRole(
  terminal: Terminal,
  email: string,
  role: string,
  options: OrganizationOption,
): Promise<void> {
  const wanted = readRole(role)
  const client = await connectAccounts(terminal)
  const member = await findMember(client, options.organization, email)
  const changed = await client.setMemberRole(options.organization, member.user_id, wanted)
  if (options.json === true) return printJson(terminal, changed)
  terminal.out(`${changed.email} is ${changed.role} now.\n`)
}

export async function removeMember(
  terminal: Terminal,
  email: string,
  options: OrganizationOption,
): Promise<void> {
  const client = await connectAccounts(terminal)
  const member = await findMember(client, options.organization, email)
  const removed = await client.removeMember(options.organization, member.user_id)
  if (options.json === true) return printJson(terminal, removed)
  terminal.out(`${removed.email} is no member any more.\n`)
}

export async function listInvitations(terminal: Terminal, options: JsonOption): Promise<void> {
  const invitations = await (await connectAccounts(terminal)).listOwnInvitations()
  if (options.json === true) return printJson(terminal, invitations)
  if (invitations.length === 0) return terminal.out('No invitation waits for you.\n')
  terminal.out(
    renderTable(
      ['ORGANIZATION', 'ROLE', 'BY', 'UNTIL'],
      invitations.map((found) => [
        found.organization_name,
        found.role,
        found.invited_by ?? 'operator',
        minute(found.expires_at),
      ]),
    ),
  )
}

export async function acceptInvitation(
  terminal: Terminal,
  token: string,
  options: JsonOption,
): Promise<void> {
  const member = await (await connectAccounts(terminal)).acceptInvitation(token)
  if (options.json === true) return printJson(terminal, member)
  terminal.out(`You are ${member.role} now. See: npx favo organizations list\n`)
}

function readRole(text: string): OrganizationRole {
  const role = OrganizationRole.safeParse(text.toLowerCase().replace('-', '_'))
  if (role.success) return role.data
  throw new CommandError(
    `There is no role ${text}. There are ${organizationRoles.join(', ')}.`,
    exitCodes.usage,
  )
}

async function findMember(client: AccountClient, slug: string, email: string): Promise<OrganizationMember> {
  const member = (await client.listMembers(slug)).find((found) => found.email === email.toLowerCase())
  if (member === undefined)
    throw new CommandError(`${email} is no member. See: npx favo members list --organization ${slug}`)
  return member
}
