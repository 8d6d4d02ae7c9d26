import { Option, type Command } from 'commander'
import type { JsonOptions } from './program.ts'
import type { Terminal } from './terminal.ts'

const json = () => new Option('--json', 'print JSON for programs')

export interface AddClusterOptions extends JsonOptions {
  readonly url?: string
  readonly adopt?: true
}

export interface DoctorOptions extends JsonOptions {
  readonly url?: string
}

/** Postgres servers, for the operator. */
export function addClusters(program: Command, terminal: Terminal): void {
  const clusters = program
    .command('clusters')
    .description('Postgres servers that projects are put on (for platform administrators)')
    .addHelpText(
      'after',
      `
\`home\` is the server that Favo runs itself. Another one is Postgres 17 or 18 of which you are superuser.

Examples:
  npx favo doctor --url postgresql://postgres:…@db.example.com/            look at it first
  npx favo clusters add big --adopt --url postgresql://postgres:…@db.example.com/
  npx favo projects create shop --cluster big`,
    )
  clusters
    .command('list')
    .description('servers, and how many projects each holds')
    .addOption(json())
    .action(async (options: JsonOptions) =>
      (await import('./commands/clusters/clusters.ts')).listClusters(terminal, options),
    )
  clusters
    .command('add <name>')
    .description('bring in a server; refused when projects would not be safe there')
    .option('--url <url>', "a superuser's: postgresql://name:password@host:port/?sslmode=verify-full")
    .option('--adopt', 'change what has to be changed on that server')
    .addOption(json())
    .addHelpText(
      'after',
      `
The URL holds a password: in FAVO_CLUSTER_URL instead of --url other users of this machine do not see it.

--adopt makes a superuser favo_admin, renames a superuser called postgres to postgres_before_favo (it
keeps its password), makes the roles that SQL for Supabase names, without any power, and closes the
databases postgres and template1 to everybody else. Other databases are left alone. Without --adopt
nothing is changed, and what is missing is said.

What only the owner of the server can do is named and refused until it is done: pg_hba.conf, files of
extensions, the version, databases of others that are open to everybody.`,
    )
    .action(async (name: string, options: AddClusterOptions) =>
      (await import('./commands/clusters/clusters.ts')).addCluster(terminal, name, options),
    )
  clusters
    .command('remove <name>')
    .description('forget a server that holds no projects; the server is left as it is')
    .addOption(json())
    .action(async (name: string, options: JsonOptions) =>
      (await import('./commands/clusters/clusters.ts')).removeCluster(terminal, name, options),
    )
}

export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor [cluster]')
    .description('look whether the Postgres servers keep projects apart, and say how to mend what does not')
    .option('--url <url>', 'look at a server that is not added yet; changes nothing there')
    .addOption(json())
    .addHelpText(
      'after',
      `
Each rule is ok, a warning (a layer is missing, or something is slower) or failed (unsafe, or it cannot
work). On the platform's own servers the doctor also makes a throwaway project and tries to get from it
into every other database. Exit code 1 when a rule failed.

Examples:
  npx favo doctor
  npx favo doctor big --json
  npx favo doctor --url postgresql://postgres:…@127.0.0.1:5432/`,
    )
    .action(async (cluster: string | undefined, options: DoctorOptions) =>
      (await import('./commands/clusters/doctor.ts')).examine(terminal, cluster, options),
    )
}
