import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { connect } from '../connect.ts'
import type { JsonOptions } from '../program.ts'
import { printJson, type Terminal } from '../terminal.ts'

/** The four fields that the Supabase CLI (3.1.0) asks of a profile. No secret is in it. */
export async function writeLoginProfile(
  terminal: Terminal,
  options: JsonOptions & { readonly file: string },
): Promise<void> {
  const client = await connect(terminal)
  const { api_url: apiUrl, project_host: projectHost } = await client.getPlatformAddresses()
  const path = resolve(terminal.cwd, options.file)
  await writeFile(
    path,
    `name: favo\napi_url: ${apiUrl}\ndashboard_url: ${apiUrl}\nproject_host: ${projectHost}\n`,
  )
  if (options.json === true) return printJson(terminal, { path, api_url: apiUrl, project_host: projectHost })
  terminal.out(`${path}\n`)
  terminal.err(`Now: export SUPABASE_PROFILE=${path}\n`)
}
