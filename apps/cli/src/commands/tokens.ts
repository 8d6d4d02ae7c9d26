import { connect } from '../connect.ts'
import type { CreateTokenOptions, JsonOptions } from '../program.ts'
import { CommandError, exitCodes, printJson, renderTable, type Terminal } from '../terminal.ts'

export async function createToken(
  terminal: Terminal,
  name: string,
  options: CreateTokenOptions,
): Promise<void> {
  const { expiresInDays } = options
  if (expiresInDays !== undefined && !/^[1-9]\d{0,3}$/.test(expiresInDays))
    throw new CommandError(
      '--expires-in-days must be a whole number of days from 1 to 3650.',
      exitCodes.usage,
    )
  const client = await connect(terminal)
  const created = await client.createAccessToken({
    name,
    ...(expiresInDays === undefined ? {} : { expires_in_days: Number(expiresInDays) }),
    ...(options.scope === undefined ? {} : { scopes: [...options.scope] }),
    ...(options.user === undefined ? {} : { user: options.user }),
  })
  if (options.json === true) return printJson(terminal, created)
  // The token alone on stdout, so that a shell can take it into a variable.
  terminal.out(`${created.token}\n`)
  terminal.err(`This is the token ${created.name}. It is not shown again.\n`)
}

export async function listTokens(terminal: Terminal, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const tokens = await client.listAccessTokens()
  if (options.json === true) return printJson(terminal, tokens)
  if (tokens.length === 0) return terminal.out('No tokens yet. Make one with: npx favo tokens create NAME\n')
  const minute = (time: string | null) => time?.slice(0, 16).replace('T', ' ') ?? 'never'
  terminal.out(
    renderTable(
      ['ID', 'NAME', 'TOKEN', 'CREATED', 'LAST USED', 'EXPIRES'],
      tokens.map((token) => [
        token.id,
        token.name,
        `${token.prefix}…`,
        minute(token.created_at),
        minute(token.last_used_at),
        minute(token.expires_at),
      ]),
    ),
  )
}

export async function revokeToken(terminal: Terminal, wanted: string, options: JsonOptions): Promise<void> {
  const client = await connect(terminal)
  const tokens = await client.listAccessTokens()
  const named = tokens.filter(({ id, name }) => id === wanted || name === wanted)
  const [token, ...others] = named
  if (token === undefined)
    throw new CommandError(`There is no token ${wanted}. See them with: npx favo tokens list`)
  if (others.length > 0)
    throw new CommandError(
      `Several tokens are called ${wanted}; name one by its id: ${named.map(({ id }) => id).join(', ')}`,
    )
  await client.revokeAccessToken(token.id)
  if (options.json === true) return printJson(terminal, { id: token.id, name: token.name })
  terminal.out(`The token ${token.name} does not work any more.\n`)
}
