import { Option, type Command } from 'commander'
import type { JsonOptions, PushOptions } from './program.ts'
import type { Terminal } from './terminal.ts'

const json = () => new Option('--json', 'print JSON for programs')
const PROJECT = 'ref, subdomain or name of the project'

export function addProjectChanges(projects: Command, terminal: Terminal): void {
  projects
    .command('update <project>')
    .description("change a project's name or its subdomain")
    .option('--name <name>', 'what people call it')
    .option('--subdomain <label>', 'its own host name below the domain')
    .addOption(json())
    .action(async (project: string, options: JsonOptions & { name?: string; subdomain?: string }) =>
      (await import('./commands/projects/change.ts')).updateProject(terminal, project, options),
    )
  projects
    .command('restart <project>')
    .description('end all sessions of a project')
    .addOption(json())
    .action(async (project: string, options: JsonOptions) =>
      (await import('./commands/projects/change.ts')).restartProject(terminal, project, options),
    )
  projects
    .command('status <project>')
    .description('whether a project is up, since when, and what happened to it')
    .addOption(json())
    .action(async (project: string, options: JsonOptions) =>
      (await import('./commands/projects/change.ts')).showStatus(terminal, project, options),
    )
  projects
    .command('removed')
    .description('deleted projects that can still be resumed')
    .addOption(json())
    .action(async (options: JsonOptions) =>
      (await import('./commands/projects/change.ts')).listRemoved(terminal, options),
    )
  projects
    .command('reset-password <project>')
    .description("replace the database owner's password; prints the new one")
    .option('--password <password>', 'instead of a random one')
    .addOption(json())
    .action(async (project: string, options: JsonOptions & { password?: string }) =>
      (await import('./commands/projects/change.ts')).resetPassword(terminal, project, options),
    )
}

export function addDbCommands(db: Command, terminal: Terminal): void {
  db.command('query [sql]')
    .description('run SQL as the owner and print the rows')
    .requiredOption('-p, --project <project>', PROJECT)
    .option('-f, --file <file>', 'read the SQL from a file')
    .option('--read-only', 'in a transaction that can change nothing')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  npx favo db query -p demo "select count(*) from todos"')
    .action(async (text: string | undefined, options: QueryOptions) =>
      (await import('./commands/db/query.ts')).runQuery(terminal, text, options),
    )
  db.command('reset')
    .description('empty the database of all that is not the platform’s, then push migrations and seeds')
    .requiredOption('-p, --project <project>', PROJECT)
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .option('-y, --yes', 'do not ask')
    .option('--no-seed', 'without the seed files')
    .addOption(json())
    .addHelpText('after', '\nUsers in auth and files in storage stay.')
    .action(async (options: ResetOptions) =>
      (await import('./commands/db/reset.ts')).resetDatabase(terminal, options),
    )
  db.command('dump')
    .description('write definitions, rows or roles as SQL; nothing but Node is needed on this machine')
    .requiredOption('-p, --project <project>', PROJECT)
    .option('-f, --file <file>', 'instead of standard output')
    .option('--schema-only', 'definitions; this is what you get unless told otherwise')
    .option('--data-only', 'rows')
    .option('--with-data', 'both, rows before triggers and foreign keys')
    .option('--role-only', 'roles of the project, without their passwords')
    .option('-s, --schema <names>', 'schemas, separated by commas; all of your own unless given')
    .addHelpText(
      'after',
      `
It is pg_dump 18, as a login that is made for it and expires. Into another project:
  npx favo db dump -p NAME --role-only -f roles.sql
  npx favo db dump -p NAME --with-data -f all.sql
  npx favo db query -p OTHER --file roles.sql
  psql --single-transaction -v ON_ERROR_STOP=1 "$DATABASE_URL" -f all.sql   (or db query, as above)`,
    )
    .action(async (options: DumpOptions) => (await import('./commands/db/dump.ts')).dump(terminal, options))
}

export function addLoginProfile(program: Command, terminal: Terminal): void {
  program
    .command('login-profile')
    .description("write a profile with which Supabase's own CLI talks to this platform")
    .option('-f, --file <file>', 'where to', 'favo-profile.yaml')
    .addOption(json())
    .addHelpText(
      'after',
      `
Then:
  export SUPABASE_PROFILE=$PWD/favo-profile.yaml
  export SUPABASE_ACCESS_TOKEN=$(npx favo tokens create supabase-cli)
  npx supabase projects list`,
    )
    .action(async (options: JsonOptions & { file: string }) =>
      (await import('./commands/login-profile.ts')).writeLoginProfile(terminal, options),
    )
}

export interface QueryOptions extends JsonOptions {
  readonly project: string
  readonly file?: string
  readonly readOnly?: true
}

export interface ResetOptions extends JsonOptions, Pick<PushOptions, 'project' | 'workdir'> {
  readonly yes?: true
  readonly seed: boolean
}

export interface DumpOptions {
  readonly project: string
  readonly file?: string
  readonly dataOnly?: true
  readonly schemaOnly?: true
  readonly roleOnly?: true
  readonly withData?: true
  readonly schema?: string
}
