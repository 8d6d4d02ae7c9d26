import { resolve } from 'node:path'
import type { ControlClient } from '@favo/client'
import { readConfig } from '../config/read-config.ts'
import { connect } from '../connect.ts'
import { findProject } from '../find-project.ts'
import type { ConfigPushOptions } from '../program.ts'
import { printJson, type Terminal } from '../terminal.ts'

/** `favo config push`: the settings of `[auth]` in supabase/config.toml, all of them or none. */
export async function pushConfig(terminal: Terminal, options: ConfigPushOptions): Promise<void> {
  const isDry = options.dryRun === true
  const workdir = resolve(terminal.cwd, options.workdir)
  const { settings, warnings } = await readConfig(workdir, terminal.env)
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  const { applied, left } = await applyConfig(terminal, client, ref, { settings, warnings }, isDry)
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
  config: { readonly settings: Readonly<Record<string, unknown>>; readonly warnings: readonly string[] },
  isDry: boolean,
): Promise<{ readonly applied: readonly string[]; readonly left: readonly string[] }> {
  const names = Object.keys(config.settings).toSorted()
  const warnings = [...config.warnings]
  // Names alone: among the values are passwords.
  if (isDry && names.length > 0) terminal.err(`Would set:\n${names.map((name) => `  ${name}\n`).join('')}`)
  const shown = isDry || names.length === 0 ? null : await client.updateAuthConfig(ref, config.settings)
  const applied = names.filter((name) => shown === null || name in shown)
  for (const name of names.filter((each) => !applied.includes(each)))
    warnings.push(`${name} is not a setting that this platform knows; it was left out.`)
  for (const warning of warnings) terminal.err(`Warning: ${warning}\n`)
  return { applied, left: warnings }
}
