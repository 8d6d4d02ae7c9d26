import { Command, Option } from 'commander'
import { addAccounts } from './accounts-program.ts'
import { addClusters, addDoctor } from './clusters-program.ts'
import { addNetwork } from './network-program.ts'
import { addBranches, addDomains, addMigrations } from './more-groups.ts'
import { addDbCommands, addLoginProfile, addProjectChanges } from './more-commands.ts'
import type { Terminal } from './terminal.ts'

/**
 * Every command, its options and its help. What a command does is loaded when it runs, so that help and mistakes cost
 * nothing.
 */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('favo')
    .description('Isolated, Supabase-compatible projects on your own machine.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
First steps:
  npm start                         start the platform (in another terminal)
  npx favo projects create demo     make a project; prints its URL and keys
  npx favo db push --project demo   apply ./supabase to it
  npx favo projects list            see what there is

Where the platform is:
  On its own machine nothing is needed: the files below FAVO_HOME (default ~/.favo, as root
  /var/lib/favo) say where it listens. From elsewhere set FAVO_API_URL and FAVO_ACCESS_TOKEN
  (a token comes from \`npx favo tokens create NAME\`).

Exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 no platform answers.`,
    )
  addProjects(program, terminal)
  addTokens(program, terminal)
  addAccounts(program, terminal)
  addDb(program, terminal)
  addConfig(program, terminal)
  addMigrations(program, terminal)
  addBranches(program, terminal)
  addDomains(program, terminal)
  addNetwork(program, terminal)
  addLoginProfile(program, terminal)
  addClusters(program, terminal)
  addDoctor(program, terminal)
  return program
}

const json = () => new Option('--json', 'print JSON for programs')
const PROJECT = 'ref, subdomain or name of the project'

function addProjects(program: Command, terminal: Terminal): void {
  const projects = program
    .command('projects')
    .description('create, list, get, change, pause, resume, restart and delete projects')
  addProjectChanges(projects, terminal)

  projects
    .command('create <name>')
    .description('make a project and print all that an application needs')
    .option('--subdomain <label>', 'its own host name below the domain; default <name>-<organization>')
    .option('--organization <slug>', 'organization that owns it', 'default')
    .option('--ref <ref>', 'for imports: 20 letters a-z instead of random ones')
    .option('--jwt-secret <secret>', 'for imports: at least 32 characters instead of random ones')
    .option('--db-password <password>', "the database owner's password instead of a random one")
    .option('--cluster <name>', 'the Postgres server that it is put on (see `favo clusters`)')
    .addOption(json())
    .addHelpText(
      'after',
      `
The database password is shown here and never again.

Examples:
  npx favo projects create demo
  npx favo projects create "My shop" --subdomain shop --json`,
    )
    .action(async (name: string, options: CreateOptions) =>
      (await import('./commands/projects/create.ts')).createProject(terminal, name, options),
    )

  projects
    .command('list')
    .description('all projects with their state')
    .addOption(json())
    .action(async (options: JsonOptions) =>
      (await import('./commands/projects/list.ts')).listProjects(terminal, options),
    )

  projects
    .command('get <project>')
    .description('URLs, keys and database of a project')
    .option('--admin', "add the superuser's database URL (on the platform's own machine)")
    .addOption(json())
    .addHelpText('after', `\n<project> is the ${PROJECT}.`)
    .action(async (project: string, options: JsonOptions & { admin?: true }) =>
      (await import('./commands/projects/get.ts')).getProject(terminal, project, options),
    )

  projects
    .command('pause <project>')
    .description('close a project; its data stays, its requests are refused')
    .addOption(json())
    .action(async (project: string, options: JsonOptions) =>
      (await import('./commands/projects/change.ts')).pauseProject(terminal, project, options),
    )

  projects
    .command('resume <project>')
    .alias('restore')
    .description('open a paused project again')
    .addOption(json())
    .action(async (project: string, options: JsonOptions) =>
      (await import('./commands/projects/change.ts')).resumeProject(terminal, project, options),
    )

  projects
    .command('delete <project>')
    .description('remove a project; it can be resumed for some days, then its data are gone')
    .option('-y, --yes', 'do not ask')
    .option('--for-good', 'leave no such days')
    .addOption(json())
    .action(async (project: string, options: JsonOptions & { yes?: true; forGood?: true }) =>
      (await import('./commands/projects/change.ts')).deleteProject(terminal, project, options),
    )
}

function addTokens(program: Command, terminal: Terminal): void {
  const tokens = program
    .command('tokens')
    .description('access tokens for the control API, the CLI and other clients')

  tokens
    .command('create <name>')
    .description('make a token; it is shown once')
    .option('--expires-in-days <days>', 'days until it stops working; without it, never')
    .option('--scope <scope...>', 'what it is good for, such as database:read; without it, everything')
    .option('--user <email>', "for whom; without it, one's own (the operator's: the platform's)")
    .addOption(json())
    .addHelpText('after', '\nExample:\n  export FAVO_ACCESS_TOKEN=$(npx favo tokens create laptop)')
    .action(async (name: string, options: CreateTokenOptions) =>
      (await import('./commands/tokens.ts')).createToken(terminal, name, options),
    )

  tokens
    .command('list')
    .description('all tokens, by name and first characters')
    .addOption(json())
    .action(async (options: JsonOptions) =>
      (await import('./commands/tokens.ts')).listTokens(terminal, options),
    )

  tokens
    .command('revoke <token>')
    .description('make a token useless at once, by its id or its name')
    .addOption(json())
    .action(async (token: string, options: JsonOptions) =>
      (await import('./commands/tokens.ts')).revokeToken(terminal, token, options),
    )
}

function addDb(program: Command, terminal: Terminal): void {
  const db = program.command('db').description("work on a project's database")
  addDbCommands(db, terminal)

  db.command('push')
    .description('apply the migrations of a supabase/ folder that the project does not have yet')
    .requiredOption('-p, --project <project>', PROJECT)
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .option('--include-seed', 'also run the seed files of config.toml that were not run yet')
    .option('--include-config', 'also apply the settings of config.toml, as `config push` does')
    .option('--include-all', 'also apply migrations older than the newest one of the project')
    .option('--dry-run', 'say what would be done')
    .addOption(json())
    .addHelpText(
      'after',
      `
Reads supabase/migrations/<version>_<name>.sql in order. Each file takes effect as a whole or not
at all, and is remembered in supabase_migrations.schema_migrations, where Supabase's own CLI finds
it as well.

Examples:
  npx favo db push --project demo
  npx favo db push --project demo --workdir templates/mindroom --include-seed`,
    )
    .action(async (options: PushOptions) => (await import('./commands/db-push.ts')).push(terminal, options))
}

function addConfig(program: Command, terminal: Terminal): void {
  const config = program.command('config').description("a project's settings")

  config
    .command('push')
    .description('apply the settings of supabase/config.toml')
    .requiredOption('-p, --project <project>', PROJECT)
    .option('--workdir <directory>', 'folder that holds supabase/', '.')
    .option('--dry-run', 'say what would be set')
    .addOption(json())
    .addHelpText(
      'after',
      `
Of [auth] with all below it, [api], [db.settings], [db.network_restrictions] (where enabled) and
[db.ssl_enforcement]. Only what the file says is changed; each section as a whole or not at all, in
this order, and the first that is refused ends the command. In [auth] env(NAME) stands for an environment
variable, of the shell or of supabase/.env or .env. What Favo does not know is left out with a warning.

Examples:
  npx favo config push --project demo
  npx favo db push --project demo --include-config`,
    )
    .action(async (options: ConfigPushOptions) =>
      (await import('./commands/config-push.ts')).pushConfig(terminal, options),
    )
}

export interface JsonOptions {
  readonly json?: true
}

export interface CreateTokenOptions extends JsonOptions {
  readonly expiresInDays?: string
  readonly scope?: readonly string[]
  readonly user?: string
}

export interface CreateOptions extends JsonOptions {
  readonly subdomain?: string
  readonly organization: string
  readonly ref?: string
  readonly jwtSecret?: string
  readonly dbPassword?: string
  readonly cluster?: string
}

export interface PushOptions extends JsonOptions {
  readonly project: string
  readonly workdir: string
  readonly includeSeed?: true
  readonly includeConfig?: true
  readonly includeAll?: true
  readonly dryRun?: true
}

export interface ConfigPushOptions extends JsonOptions {
  readonly project: string
  readonly workdir: string
  readonly dryRun?: true
}
