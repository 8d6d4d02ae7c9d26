import { Option, type Command } from 'commander'
import type { JsonOptions } from './program.ts'
import type { Terminal } from './terminal.ts'

const json = () => new Option('--json', 'print JSON for programs')
const PROJECT = 'ref, subdomain or name of the project'
const PROJECT_FLAG = '-p, --project <project>'

export interface ProjectOptions extends JsonOptions {
  readonly project: string
}
export interface BranchOptions extends ProjectOptions {
  readonly withData?: true
  readonly persistent?: true
  readonly expiresInHours?: string
  readonly gitBranch?: string
}

export function addBranches(program: Command, terminal: Terminal): void {
  const branches = program
    .command('branches')
    .alias('branch')
    .description('copies of a project with keys of their own, to try changes in')
    .addHelpText(
      'after',
      `
A branch starts from the migrations of its project, or with --with-data from all that is in it.
While a database is copied, requests to the project wait: about a second for each gigabyte.

Examples:
  npx favo branches create try-it --project shop
  npx favo db push --project $(npx favo branches list --project shop --json | jq -r '.[-1].project_ref')
  npx favo branches merge try-it --project shop`,
    )
  branches
    .command('list')
    .description('branches of a project')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (options: ProjectOptions) =>
      (await import('./commands/branches/branches.ts')).listBranches(terminal, options),
    )
  branches
    .command('create <name>')
    .description('make a branch and print all that an application needs')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .option('--with-data', "copy the project's data")
    .option('--persistent', 'one that is meant to stay')
    .option('--expires-in-hours <hours>', 'delete it by itself after that time')
    .option('--git-branch <name>', 'the branch in git that it belongs to')
    .addOption(json())
    .action(async (name: string, options: BranchOptions) =>
      (await import('./commands/branches/branches.ts')).createBranch(terminal, name, options),
    )
  branches
    .command('delete <name>')
    .description('remove a branch and its data for good')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (name: string, options: ProjectOptions) =>
      (await import('./commands/branches/branches.ts')).deleteBranch(terminal, name, options),
    )
  branches
    .command('diff <name>')
    .description('print the SQL that a merge would run in the project')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (name: string, options: ProjectOptions) =>
      (await import('./commands/branches/branches.ts')).diffBranch(terminal, name, options),
    )
  for (const [action, description] of [
    ['merge', 'apply its new migrations to the project'],
    ['push', "apply the project's new migrations to it"],
    ['reset', 'make its database anew from migrations; everything else in it is lost'],
  ] as const)
    branches
      .command(`${action} <name>`)
      .description(description)
      .requiredOption(PROJECT_FLAG, PROJECT)
      .option('--up-to <version>', 'up to and including that migration')
      .addOption(json())
      .action(async (name: string, options: ProjectOptions & { upTo?: string }) =>
        (await import('./commands/branches/branches.ts')).actOnBranch(terminal, action, name, options),
      )
}

export function addDomains(program: Command, terminal: Terminal): void {
  const domains = program
    .command('domains')
    .description("host names of a project's own")
    .addHelpText(
      'after',
      `
Three steps: add the name, make the TXT record that is printed, verify. Point the name itself at the
platform, and let what terminates TLS in front of it have a certificate for it.

Example:
  npx favo domains add api.example.com --project shop`,
    )
  domains
    .command('list')
    .description('domains of a project')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (options: ProjectOptions) =>
      (await import('./commands/domains/domains.ts')).listDomains(terminal, options),
    )
  for (const [action, description] of [
    ['add', 'want a host name; prints the TXT record that proves whose it is'],
    ['verify', 'look for that record; from then on the project answers there'],
    ['remove', 'give a host name up'],
  ] as const)
    domains
      .command(`${action} <hostname>`)
      .description(description)
      .requiredOption(PROJECT_FLAG, PROJECT)
      .addOption(json())
      .action(async (hostname: string, options: ProjectOptions) =>
        (await import('./commands/domains/domains.ts')).changeDomain(terminal, action, hostname, options),
      )
}

export function addMigrations(program: Command, terminal: Terminal): void {
  const migration = program.command('migration').description('files of supabase/migrations and their history')
  migration
    .command('new <name>')
    .description('make an empty migration file')
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .addOption(json())
    .action(async (name: string, options: JsonOptions & { workdir: string }) =>
      (await import('./commands/migration/migration.ts')).newMigration(terminal, name, options),
    )
  migration
    .command('list')
    .description('which migrations are here, and which the project has')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .addOption(json())
    .action(async (options: ProjectOptions & { workdir: string }) =>
      (await import('./commands/migration/migration.ts')).listMigrations(terminal, options),
    )
  migration
    .command('up')
    .description('apply the migrations that the project does not have yet; as db push without seeds')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .option('--include-all', 'also those older than the newest one of the project')
    .addOption(json())
    .action(async (options: ProjectOptions & { workdir: string; includeAll?: true }) =>
      (await import('./commands/db-push.ts')).push(terminal, options),
    )
  migration
    .command('repair <version...>')
    .description('change the history alone, where the schema got there in another way')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(
      new Option('--status <status>', 'what the history shall say')
        .choices(['applied', 'reverted'])
        .makeOptionMandatory(),
    )
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .addOption(json())
    .action(
      async (
        versions: string[],
        options: ProjectOptions & { workdir: string; status: 'applied' | 'reverted' },
      ) => (await import('./commands/migration/migration.ts')).repairHistory(terminal, versions, options),
    )
}
