import type { PlatformUser } from '@favo/contracts'
import { clientOptions, connect, connectAccounts, findApiUrl } from '../../connect.ts'
import { CommandError, printJson, renderTable, type Terminal } from '../../terminal.ts'
import type { JsonOption } from '../../accounts-program.ts'

export async function listUsers(terminal: Terminal, options: JsonOption): Promise<void> {
  const users = await (await connectAccounts(terminal)).listUsers()
  if (options.json === true) return printJson(terminal, users)
  if (users.length === 0)
    return terminal.out('Nobody has an account yet. Make one with: npx favo users create EMAIL\n')
  terminal.out(
    renderTable(
      ['EMAIL', 'ID', 'STATE', 'ORGANIZATIONS'],
      users.map((user) => [
        user.email,
        user.id,
        stateOf(user),
        user.organizations.map(({ slug, role }) => `${slug} (${role})`).join(', '),
      ]),
    ),
  )
}

const stateOf = (user: PlatformUser): string =>
  !user.is_active
    ? 'banned'
    : !user.is_confirmed
      ? 'not confirmed'
      : user.is_platform_administrator
        ? 'administrator'
        : 'active'

/** Accounts are Auth's: made at the platform project with its secret key, which platform administrators can read. */
export async function createUser(terminal: Terminal, email: string, options: JsonOption): Promise<void> {
  const accounts = await connectAccounts(terminal)
  const { ref } = await accounts.getPlatform()
  const keys = await (await connect(terminal)).listApiKeys(ref)
  const secret = keys.find(({ type }) => type === 'secret')?.api_key ?? ''
  const password = terminal.env.FAVO_PASSWORD
  const reply = await clientOptions.fetch(`${await findApiUrl(terminal)}/p/${ref}/auth/v1/admin/users`, {
    method: 'POST',
    headers: { apikey: secret, 'content-type': 'application/json' },
    body: JSON.stringify({
      email,
      email_confirm: true,
      ...(password === undefined || password === '' ? {} : { password }),
    }),
    redirect: 'error',
  })
  const answer = JSON.parse(await reply.text()) as Record<string, unknown>
  if (reply.status >= 400)
    throw new CommandError(typeof answer.msg === 'string' ? answer.msg : `Auth answered ${reply.status}.`)
  const user = (await accounts.listUsers()).find(({ id }) => id === answer.id)
  if (options.json === true) return printJson(terminal, user)
  terminal.out(`${email} has an account now. To sign in: npx favo login ${email}\n`)
}

export async function setAdministrator(
  terminal: Terminal,
  email: string,
  isOne: boolean,
  options: JsonOption,
): Promise<void> {
  const accounts = await connectAccounts(terminal)
  const found = (await accounts.listUsers()).find((user) => user.email === email.toLowerCase())
  if (found === undefined) throw new CommandError(`There is no user ${email}. See: npx favo users list`)
  const user = await accounts.setPlatformAdministrator(found.id, isOne)
  if (options.json === true) return printJson(terminal, user)
  terminal.out(`${user.email} is ${isOne ? 'a platform administrator' : 'an ordinary user'} now.\n`)
}
