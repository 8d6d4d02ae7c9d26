/**
 * What this machine's Postgres can do at this moment: the two statements of a read, pipelined, one transaction, 8 clients.
 * With pgbench where it is installed, otherwise with a client that only writes prepared bytes and looks for the end of the
 * answer. Every other figure is divided by this one, measured in the same run, because machines and neighbours differ.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contextText, contextValues, readText, type Target } from './project.ts'
import { runRawClients } from './raw-client.ts'

export interface Calibration {
  readonly requestsPerSecond: number
  readonly tool: 'pgbench' | 'raw client'
}

export const clients = 8

export async function calibrate(project: Target, seconds: number): Promise<Calibration> {
  const measured = await runPgbench(project, seconds)
  if (measured !== null) return { requestsPerSecond: measured, tool: 'pgbench' }
  return { requestsPerSecond: await runRawClients(project, clients, seconds), tool: 'raw client' }
}

/** The context of a request and one statement, pipelined. */
export function runPgbench(
  project: Target,
  seconds: number,
  statement: string = readText,
): Promise<number | null> {
  const [role, claims, path] = contextValues
  return runPipeline(project, seconds, [contextText([`'${role}'`, `'${claims}'`, `'${path}'`]), statement])
}

/** Statements that are sent together, as one implicit transaction. Null when there is no pgbench. */
export async function runPipeline(
  project: Target,
  seconds: number,
  statements: readonly string[],
): Promise<number | null> {
  const folder = await mkdtemp(join(tmpdir(), 'favo-pgbench-'))
  const script = join(folder, 'read.sql')
  await writeFile(script, `\\startpipeline\n${statements.join(';\n')};\n\\endpipeline\n`)
  const { endpoint, database, password } = project
  const options = `-n -M prepared -c ${clients} -j 2 -T ${seconds} -f ${script} -h ${endpoint.host} -p ${endpoint.port}`
  try {
    const output = await run('pgbench', [...options.split(' '), '-U', `${database}_api`, database], password)
    if (output === null) return null
    const rate = /tps = ([\d.]+) \(without/.exec(output)?.[1]
    if (rate === undefined) throw new Error(`pgbench said: ${output}`)
    return Number(rate)
  } finally {
    await rm(folder, { recursive: true })
  }
}

function run(command: string, args: readonly string[], password: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, PGPASSWORD: password } })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(null) : reject(error),
    )
    child.once('close', () => resolve(output))
  })
}
