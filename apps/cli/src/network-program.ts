import { Argument, Option, type Command } from 'commander'
import type { ProjectOptions } from './more-groups.ts'
import type { Terminal } from './terminal.ts'

const json = () => new Option('--json', 'print JSON for programs')
const PROJECT = 'ref, subdomain or name of the project'
const PROJECT_FLAG = '-p, --project <project>'

/** From where and how a project's Postgres may be reached. */
export function addNetwork(program: Command, terminal: Terminal): void {
  const network = program
    .command('network')
    .description("from where, and how, a project's Postgres may be reached")
    .addHelpText(
      'after',
      `
HTTP is not restricted: there keys decide. An address that gets passwords wrong twenty times within ten
minutes is banned from the project for half an hour.

Examples:
  npx favo network restrict 203.0.113.0/24 2001:db8::/32 --project shop
  npx favo network restrict 0.0.0.0/0 ::/0 --project shop        everybody again
  npx favo network unban 203.0.113.7 --project shop`,
    )
  network
    .command('get')
    .description('allowed ranges, banned addresses, and whether TLS is required')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (options: ProjectOptions) =>
      (await import('./commands/network/network.ts')).getNetwork(terminal, options),
    )
  network
    .command('restrict [ranges...]')
    .description('allow these ranges (CIDR) and nothing else; none: nobody')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (ranges: readonly string[], options: ProjectOptions) =>
      (await import('./commands/network/network.ts')).restrictNetwork(terminal, ranges, options),
    )
  network
    .command('unban <addresses...>')
    .description('let banned addresses in again')
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (addresses: readonly string[], options: ProjectOptions) =>
      (await import('./commands/network/network.ts')).unban(terminal, addresses, options),
    )
  network
    .command('require-tls')
    .description('refuse Postgres clients without TLS; switching it on ends all sessions')
    .addArgument(new Argument('<state>', 'on or off').choices(['on', 'off']))
    .requiredOption(PROJECT_FLAG, PROJECT)
    .addOption(json())
    .action(async (state: 'on' | 'off', options: ProjectOptions) =>
      (await import('./commands/network/network.ts')).requireTls(terminal, state === 'on', options),
    )
}
