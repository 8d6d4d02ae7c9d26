import { readFile } from 'node:fs/promises'
import {
  createAccountClient,
  createClient,
  type AccountClient,
  type ClientOptions,
  type ControlClient,
} from '@favo/client'
import { findHome } from '@favo/runtime'
import { z } from 'zod'
import { patientFetch } from './patient-fetch.ts'
import { CommandError, exitCodes, type Terminal } from './terminal.ts'

/** What a running platform leaves for the command line, in a file that only its operator can read. */
const RunFile = z.object({ pid: z.number(), api_url: z.string(), admin_url: z.string() })
export type RunFile = z.infer<typeof RunFile>

/**
 * A client of the platform: the one that FAVO_API_URL and FAVO_ACCESS_TOKEN name, else the one on this machine, found by its
 * files below FAVO_HOME. Throws a CommandError that says what to type.
 */
export const connect = async (terminal: Terminal): Promise<ControlClient> =>
  createClient(await findPlatform(terminal))

/** The same for people, organizations and the audit log. */
export const connectAccounts = async (terminal: Terminal): Promise<AccountClient> =>
  createAccountClient(await findPlatform(terminal))

/** Where the platform is, for who has no token yet. */
export async function findApiUrl(terminal: Terminal): Promise<string> {
  const { FAVO_API_URL: url } = terminal.env
  return isGiven(url) ? url : (await readRunFile(terminal)).api_url
}

async function findPlatform(terminal: Terminal): Promise<ClientOptions> {
  const { FAVO_API_URL: url, FAVO_ACCESS_TOKEN: token } = terminal.env
  if (isGiven(url) && !isGiven(token))
    throw new CommandError(
      'FAVO_API_URL is set, but FAVO_ACCESS_TOKEN is not. Make a token on the machine of the platform: npx favo tokens create NAME',
      exitCodes.usage,
    )
  return {
    url: await findApiUrl(terminal),
    token: isGiven(token) ? token : await readBootstrapToken(terminal),
    ...clientOptions,
  }
}

export const clientOptions = { userAgent: 'favo-cli/0.1', fetch: patientFetch } as const

/** Throws when no platform runs on this machine under this user. */
export async function readRunFile(terminal: Terminal): Promise<RunFile> {
  const { runFile } = findHome(terminal.env)
  const text = await readPrivate(runFile)
  if (text === null)
    throw new CommandError(
      `Favo is not running on this machine (there is no ${runFile}). Start it with: npm start`,
      exitCodes.unreachable,
    )
  try {
    return RunFile.parse(JSON.parse(text))
  } catch {
    throw new CommandError(`${runFile} is damaged. Stop Favo and start it again with: npm start`)
  }
}

async function readBootstrapToken(terminal: Terminal): Promise<string> {
  const { bootstrapToken } = findHome(terminal.env)
  const text = await readPrivate(bootstrapToken)
  if (text === null)
    throw new CommandError(
      `There is no ${bootstrapToken}. Start Favo once with \`npm start\`, or set FAVO_ACCESS_TOKEN.`,
      exitCodes.unreachable,
    )
  return text.trim()
}

async function readPrivate(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'ENOENT') return null
    if (code === 'EACCES' || code === 'EPERM')
      throw new CommandError(
        `${path} belongs to the user who started Favo. Run this command as that user, or set FAVO_API_URL and FAVO_ACCESS_TOKEN.`,
      )
    throw error
  }
}

const isGiven = (text: string | undefined): text is string => text !== undefined && text !== ''
