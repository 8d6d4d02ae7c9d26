import { resolve } from 'node:path'
import type { ControlClient } from '@favo/client'
import { readConfig, type ReadConfig } from '../config/read-config.ts'
import { namesOfSections, type ReadSections } from '../config/read-sections.ts'
import { connect } from '../connect.ts'
import { findProject } from '../find-project.ts'
import type { ConfigPushOptions } from '../program.ts'
import { printJson, type Terminal } from '../terminal.ts'

/** `favo config push`: what supabase/config.toml says of `[auth]`, `[api]`, and the database's settings and doors. */
export async function pushConfig(terminal: Terminal, options: ConfigPushOptions): Promise<void> {
  const isDry = options.dryRun === true
  const workdir = resolve(terminal.cwd, options.workdir)
  const config = await readConfig(workdir, terminal.env)
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const { applied, left } = await applyConfig(terminal, client, ref, config, isDry)
  if (options.json === true)
    return printJson(terminal, { ref, dry_run: isDry, settings: applied, warnings: left })
  if (applied.length === 0) terminal.out('config.toml says nothing of the project’s settings.\n')
  else if (!isDry) terminal.out(`Applied ${applied.length} setting${applied.length === 1 ? '' : 's'}.\n`)
}

/** Gives the names of what was applied, and the sentences about what was not. */
export async function applyConfig(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  config: ReadConfig,
  isDry: boolean,
): Promise<{ readonly applied: readonly string[]; readonly left: readonly string[] }> {
  const names = Object.keys(config.settings).toSorted()
  const others = namesOfSections(config.sections)
  const warnings = [...config.warnings]
  // Names alone: among the values are passwords.
  if (isDry && names.length + others.length > 0)
    terminal.err(`Would set:\n${[...names, ...others].map((name) => `  ${name}\n`).join('')}`)
  const shown = isDry || names.length === 0 ? null : await client.updateAuthConfig(ref, config.settings)
  const applied = names.filter((name) => shown === null || name in shown)
  for (const name of names.filter((each) => !applied.includes(each)))
    warnings.push(`${name} is not a setting that this platform knows; it was left out.`)
  for (const warning of warnings) terminal.err(`Warning: ${warning}\n`)
  if (!isDry) await applySections(client, ref, config.sections)
  return { applied: [...applied, ...others], left: warnings }
}

/** Each section is one request: as a whole, or refused with the reason, and those before it stay. */
async function applySections(
  client: ControlClient,
  ref: string,
  { rest, postgres, network, requiresTls }: ReadSections,
): Promise<void> {
  if (Object.keys(rest).length > 0) await client.updatePostgrestConfig(ref, rest)
  if (Object.keys(postgres).length > 0)
    await client.setPostgresSettings(ref, { ...(await client.getPostgresSettings(ref)), ...postgres })
  if (network !== null) await client.applyNetworkRestrictions(ref, network)
  // Last: switching it on ends all sessions.
  if (requiresTls !== null) await client.setSslEnforcement(ref, requiresTls)
}
