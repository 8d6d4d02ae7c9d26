import type { ControlClient } from '@favo/client'
import { connect } from '../../connect.ts'
import { findProject } from '../../find-project.ts'
import type { ProjectOptions } from '../../more-groups.ts'
import { CommandError, exitCodes, printJson, type Terminal } from '../../terminal.ts'

export async function getNetwork(terminal: Terminal, options: ProjectOptions): Promise<void> {
  const { client, ref } = await open(terminal, options)
  await show(terminal, client, ref, options)
}

export async function restrictNetwork(
  terminal: Terminal,
  ranges: readonly string[],
  options: ProjectOptions,
): Promise<void> {
  const bare = ranges.find((range) => !range.includes('/'))
  if (bare !== undefined)
    throw new CommandError(
      `${bare} is no range. One address is ${bare}/${bare.includes(':') ? 128 : 32}.`,
      exitCodes.usage,
    )
  const { client, ref } = await open(terminal, options)
  await client.applyNetworkRestrictions(ref, {
    dbAllowedCidrs: ranges.filter((range) => !range.includes(':')),
    dbAllowedCidrsV6: ranges.filter((range) => range.includes(':')),
  })
  await show(terminal, client, ref, options)
}

export async function unban(
  terminal: Terminal,
  addresses: readonly string[],
  options: ProjectOptions,
): Promise<void> {
  const { client, ref } = await open(terminal, options)
  await client.removeNetworkBans(ref, addresses)
  await show(terminal, client, ref, options)
}

export async function requireTls(
  terminal: Terminal,
  isRequired: boolean,
  options: ProjectOptions,
): Promise<void> {
  const { client, ref } = await open(terminal, options)
  await client.setSslEnforcement(ref, isRequired)
  await show(terminal, client, ref, options)
}

async function open(terminal: Terminal, options: ProjectOptions) {
  const client = await connect(terminal)
  const { ref } = await findProject(client, options.project)
  return { client, ref }
}

/** What holds now, after every change as well. */
async function show(
  terminal: Terminal,
  client: ControlClient,
  ref: string,
  options: ProjectOptions,
): Promise<void> {
  const [{ config }, bans, tls] = await Promise.all([
    client.getNetworkRestrictions(ref),
    client.listNetworkBans(ref),
    client.getSslEnforcement(ref),
  ])
  const state = {
    allowed: [...config.dbAllowedCidrs, ...config.dbAllowedCidrsV6],
    banned: bans.banned_ipv4_addresses,
    requires_tls: tls.currentConfig.database,
  }
  if (options.json === true) return printJson(terminal, state)
  const list = (entries: readonly string[]) => (entries.length === 0 ? 'none' : entries.join(', '))
  terminal.out(
    `Allowed       ${list(state.allowed)}\nBanned        ${list(state.banned)}\nTLS required  ${state.requires_tls ? 'yes' : 'no'}\n`,
  )
}
