import type { AddClusterOptions } from '../../clusters-program.ts'
import { connectAccounts } from '../../connect.ts'
import type { JsonOptions } from '../../program.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../../terminal.ts'

export async function listClusters(terminal: Terminal, options: JsonOptions): Promise<void> {
  const clusters = await (await connectAccounts(terminal)).listClusters()
  if (options.json === true) return printJson(terminal, clusters)
  terminal.out(
    renderTable(
      ['NAME', 'HOST', 'PORT', 'PROJECTS', 'ADDED'],
      clusters.map(({ name, host, port, projects, created_at: at }) => [
        name,
        host,
        String(port),
        String(projects),
        at.slice(0, 16).replace('T', ' '),
      ]),
    ),
  )
}

export async function addCluster(
  terminal: Terminal,
  name: string,
  options: AddClusterOptions,
): Promise<void> {
  const url = options.url ?? terminal.env.FAVO_CLUSTER_URL
  if (url === undefined) throw new CommandError('Give --url, or set FAVO_CLUSTER_URL.', exitCodes.usage)
  const client = await connectAccounts(terminal)
  const cluster = await client.addCluster({ name, url, adopt: options.adopt === true })
  if (options.json === true) return printJson(terminal, cluster)
  terminal.out(
    `${name} is added. Put a project there with: npx favo projects create NAME --cluster ${name}\n`,
  )
  terminal.err(`See what could be better with: npx favo doctor ${name}\n`)
}

export async function removeCluster(terminal: Terminal, name: string, options: JsonOptions): Promise<void> {
  const cluster = await (await connectAccounts(terminal)).removeCluster(name)
  if (options.json === true) return printJson(terminal, cluster)
  terminal.out(`${name} is forgotten. The server itself is as it was.\n`)
}
