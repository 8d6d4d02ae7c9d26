import { createAccountClient, createClient } from '@favo/client'
import type { PlatformInfo } from '@favo/contracts'
import { clientOptions, findApiUrl } from '../../connect.ts'
import { CommandError, exitCodes, printJson, type Terminal } from '../../terminal.ts'

interface LoginOptions {
  readonly code?: string
  readonly name: string
  readonly json?: true
}

/** Signs in at the platform project's Auth and makes a personal access token in that session. */
export async function login(terminal: Terminal, email: string, options: LoginOptions): Promise<void> {
  const url = await findApiUrl(terminal)
  // The one question that needs no token.
  const platform = await createAccountClient({ url, token: 'none', ...clientOptions }).getPlatform()
  const session = await signIn(terminal, url, platform, email, options.code)
  if (session === null) {
    terminal.err(`A code was sent to ${email}. Then: npx favo login ${email} --code CODE\n`)
    return
  }
  const client = createClient({ url, token: session, ...clientOptions })
  const token = await client.createAccessToken({ name: options.name })
  if (options.json === true) return printJson(terminal, token)
  terminal.out(`${token.token}\n`)
  terminal.err(`This is the token ${token.name} of ${email}. It is not shown again.\n`)
}

/** The session's access token; null when a code is on its way and nobody can be asked for it. */
async function signIn(
  terminal: Terminal,
  url: string,
  platform: PlatformInfo,
  email: string,
  given: string | undefined,
): Promise<string | null> {
  const ask = (path: string, body: object) =>
    askAuth(`${url}/p/${platform.ref}/auth/v1${path}`, platform, body)
  const password = terminal.env.FAVO_PASSWORD
  if (password !== undefined && password !== '')
    return tokenOf(await ask('/token?grant_type=password', { email, password }))
  let code = given
  if (code === undefined) {
    await ask('/otp', { email, create_user: false })
    if (!terminal.isInteractive) return null
    code = await askForCode(email)
  }
  return tokenOf(await ask('/verify', { type: 'email', email, token: code.trim() }))
}

async function askAuth(url: string, platform: PlatformInfo, body: object): Promise<Record<string, unknown>> {
  const reply = await clientOptions.fetch(url, {
    method: 'POST',
    headers: { apikey: platform.publishable_key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
  })
  const text = await reply.text()
  const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  if (reply.status >= 400)
    throw new CommandError(
      typeof answer.msg === 'string' ? answer.msg : `Sign-in failed with status ${reply.status}.`,
    )
  return answer
}

function tokenOf(answer: Record<string, unknown>): string {
  if (typeof answer.access_token === 'string') return answer.access_token
  throw new CommandError('Sign-in gave no session.', exitCodes.failed)
}

async function askForCode(email: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await lines.question(`The code that was sent to ${email}: `)
  } finally {
    lines.close()
  }
}
