import { Option, type Command } from 'commander'
import type { Terminal } from './terminal.ts'

export interface JsonOption {
  readonly json?: true
}
export interface OrganizationOption extends JsonOption {
  readonly organization: string
}

const json = () => new Option('--json', 'print JSON for programs')
const organization = () =>
  new Option('-o, --organization <slug>', 'slug of the organization').default('default')
const ROLES = 'read_only, developer, administrator or owner'

/** People, organizations, members, invitations and the audit log. */
export function addAccounts(program: Command, terminal: Terminal): void {
  addLogin(program, terminal)
  addUsers(program, terminal)
  addOrganizations(program, terminal)
  addMembers(program, terminal)
  addAudit(program, terminal)
}

function addLogin(program: Command, terminal: Terminal): void {
  program
    .command('login <email>')
    .description('sign in with your account, and get a token for the command line')
    .option('--code <code>', 'the code from the mail that this command sends without it')
    .option('--name <name>', 'name of the token', 'favo login')
    .addOption(json())
    .addHelpText(
      'after',
      `
Sends a code by mail and asks for it. With FAVO_PASSWORD in the environment the password is used instead.

Example:
  export FAVO_ACCESS_TOKEN=$(npx favo login ann@example.com)`,
    )
    .action(async (email: string, options: JsonOption & { code?: string; name: string }) =>
      (await import('./commands/accounts/login.ts')).login(terminal, email, options),
    )
}

function addUsers(program: Command, terminal: Terminal): void {
  const users = program
    .command('users')
    .description('people with an account at the platform (for its administrators)')
  users
    .command('list')
    .description('who there is, and in which organizations')
    .addOption(json())
    .action(async (options: JsonOption) =>
      (await import('./commands/accounts/users.ts')).listUsers(terminal, options),
    )
  users
    .command('create <email>')
    .description('make an account; with FAVO_PASSWORD in the environment it has that password')
    .addOption(json())
    .addHelpText(
      'after',
      '\nWithout a password people sign in with `npx favo login <email>` by a mailed code.',
    )
    .action(async (email: string, options: JsonOption) =>
      (await import('./commands/accounts/users.ts')).createUser(terminal, email, options),
    )
  for (const [name, isOne, words] of [
    ['promote', true, 'make somebody a platform administrator, who may do everything'],
    ['demote', false, 'make a platform administrator an ordinary user'],
  ] as const)
    users
      .command(`${name} <email>`)
      .description(words)
      .addOption(json())
      .action(async (email: string, options: JsonOption) =>
        (await import('./commands/accounts/users.ts')).setAdministrator(terminal, email, isOne, options),
      )
}

function addOrganizations(program: Command, terminal: Terminal): void {
  const organizations = program.command('organizations').alias('orgs').description('who owns projects')
  organizations
    .command('list')
    .description('organizations that you are a member of')
    .addOption(json())
    .action(async (options: JsonOption) =>
      (await import('./commands/accounts/organizations.ts')).listOrganizations(terminal, options),
    )
  organizations
    .command('create <name>')
    .description('make an organization; you own it')
    .addOption(json())
    .action(async (name: string, options: JsonOption) =>
      (await import('./commands/accounts/organizations.ts')).createOrganization(terminal, name, options),
    )
  organizations
    .command('delete <slug>')
    .description('delete an organization that has no projects')
    .addOption(json())
    .action(async (slug: string, options: JsonOption) =>
      (await import('./commands/accounts/organizations.ts')).deleteOrganization(terminal, slug, options),
    )
  program
    .command('transfer <ref> <organization>')
    .description('give a project to another organization')
    .addOption(json())
    .action(async (ref: string, slug: string, options: JsonOption) =>
      (await import('./commands/accounts/organizations.ts')).transferProject(terminal, ref, slug, options),
    )
}

function addMembers(program: Command, terminal: Terminal): void {
  const members = program.command('members').description('who may do what in an organization')
  members
    .command('list')
    .description('members and their roles')
    .addOption(organization())
    .addOption(json())
    .action(async (options: OrganizationOption) =>
      (await import('./commands/accounts/members.ts')).listMembers(terminal, options),
    )
  members
    .command('invite <email> <role>')
    .description(`invite somebody by mail as ${ROLES}`)
    .addOption(organization())
    .addOption(json())
    .action(async (email: string, role: string, options: OrganizationOption) =>
      (await import('./commands/accounts/members.ts')).inviteMember(terminal, email, role, options),
    )
  members
    .command('role <email> <role>')
    .description(`change the role of a member to ${ROLES}`)
    .addOption(organization())
    .addOption(json())
    .action(async (email: string, role: string, options: OrganizationOption) =>
      (await import('./commands/accounts/members.ts')).changeRole(terminal, email, role, options),
    )
  members
    .command('remove <email>')
    .description('remove a member, or leave')
    .addOption(organization())
    .addOption(json())
    .action(async (email: string, options: OrganizationOption) =>
      (await import('./commands/accounts/members.ts')).removeMember(terminal, email, options),
    )

  const invitations = program.command('invitations').description('invitations to organizations')
  invitations
    .command('list')
    .description('invitations that wait for you')
    .addOption(json())
    .action(async (options: JsonOption) =>
      (await import('./commands/accounts/members.ts')).listInvitations(terminal, options),
    )
  invitations
    .command('accept <token>')
    .description('join the organization that a mail invited you to')
    .addOption(json())
    .action(async (token: string, options: JsonOption) =>
      (await import('./commands/accounts/members.ts')).acceptInvitation(terminal, token, options),
    )
}

function addAudit(program: Command, terminal: Terminal): void {
  program
    .command('audit')
    .description('who changed what, latest first')
    .option('-o, --organization <slug>', 'of one organization; without it of the whole platform')
    .option('--project <ref>', 'of one project')
    .option('--operation <name>', 'of one kind, such as members.update')
    .option('--limit <number>', 'how many', '50')
    .addOption(json())
    .action(async (options: AuditOptions) =>
      (await import('./commands/accounts/audit.ts')).listAudit(terminal, options),
    )
}

export interface AuditOptions extends JsonOption {
  readonly organization?: string
  readonly project?: string
  readonly operation?: string
  readonly limit: string
}
