import type { ClusterCheck } from '@favo/contracts'
import type { DoctorOptions } from '../../clusters-program.ts'
import { connectAccounts } from '../../connect.ts'
import { CommandError, exitCodes, printJson, type Terminal } from '../../terminal.ts'

const signs = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ' } as const

/** Looks at one cluster, at all of them, or at a server that is none yet. */
export async function examine(
  terminal: Terminal,
  cluster: string | undefined,
  options: DoctorOptions,
): Promise<void> {
  if (cluster !== undefined && options.url !== undefined)
    throw new CommandError('Name a cluster or give --url, not both.', exitCodes.usage)
  const client = await connectAccounts(terminal)
  const checks: ClusterCheck[] = []
  if (options.url !== undefined) checks.push(await client.checkServer(options.url))
  else {
    const names = cluster === undefined ? (await client.listClusters()).map(({ name }) => name) : [cluster]
    for (const name of names) checks.push(await client.checkCluster(name))
  }
  if (options.json === true) printJson(terminal, checks)
  else terminal.out(checks.map(render).join('\n'))
  const failures = checks.flatMap(({ findings }) => findings.filter(({ status }) => status === 'failed'))
  if (failures.length > 0)
    throw new CommandError(
      failures.every((finding) => finding.is_mended_by_adoption)
        ? 'Adopting the server mends what failed: npx favo clusters add NAME --adopt --url …'
        : `${failures.length} ${failures.length === 1 ? 'rule' : 'rules'} failed.`,
    )
}

function render({ cluster, findings }: ClusterCheck): string {
  const width = Math.max(...findings.map(({ rule }) => rule.length))
  const lines = findings.flatMap(({ rule, status, message, mend, is_mended_by_adoption: isAdoptable }) => [
    `  ${signs[status]}  ${rule.padEnd(width)}  ${message}`,
    ...(status === 'ok' || (mend === null && !isAdoptable)
      ? []
      : [`           ${' '.repeat(width)}  → ${mend ?? 'adopting the server does it'}`]),
  ])
  return `${cluster}\n${lines.join('\n')}\n`
}
