import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse } from 'smol-toml'
import { CommandError } from '../terminal.ts'
import { readAuth, type ReadAuth } from './read-auth.ts'
import { readSections, type ReadSections } from './read-sections.ts'

export interface ReadConfig extends Pick<ReadAuth, 'settings' | 'warnings'> {
  readonly sections: ReadSections
}

/** Reads what supabase/config.toml says of a project. Throws a CommandError that names the line, or every setting that cannot be used. */
export async function readConfig(
  workdir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ReadConfig> {
  const path = join(workdir, 'supabase', 'config.toml')
  const source = await readFile(path, 'utf8').catch(() => {
    throw new CommandError(`There is no ${path}. Name the folder that holds supabase/ with --workdir.`)
  })
  const toml = parseToml(path, source)
  const sections = readSections(toml)
  // As Supabase's CLI: what is set in the shell comes first.
  const files = [join(workdir, 'supabase', '.env'), join(workdir, '.env')]
  const fromFiles = await Promise.all(files.map(readEnvFile))
  const read = await readAuth(toml.auth, {
    env: Object.assign({}, ...fromFiles.toReversed(), env) as typeof env,
    workdir,
  })
  const problems = [...sections.problems, ...read.problems]
  if (problems.length > 0)
    throw new CommandError(`${path}:\n${problems.map((each) => `  ${each}`).join('\n')}`)
  return { settings: read.settings, warnings: read.warnings, sections }
}

function parseToml(path: string, source: string): Readonly<Record<string, unknown>> {
  try {
    return parse(source)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new CommandError(`${path} cannot be read: ${reason}`)
  }
}

const readEnvFile = async (path: string): Promise<Record<string, string | undefined>> =>
  parseEnv(await readFile(path, 'utf8').catch(() => ''))
