import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Provider } from 'oidc-provider'
import { exportJWK, generateKeyPair } from 'jose'
import { createLoginStore } from './login-store.ts'
import { closeWithTest } from './project.ts'

export interface LoginAccount {
  readonly email: string
  readonly password: string
  readonly name: string
}

export interface LoginServer {
  /** `http://127.0.0.1:<port>`; its paths are those of a Keycloak realm. */
  readonly issuer: string
  close(): Promise<void>
}

const realm = '/protocol/openid-connect'

/**
 * An OpenID provider for people, of the library `oidc-provider`: it asks for e-mail and password, then whether the client may
 * know them, and keeps its own session. `startOpenIdProvider` is for tests that are nobody in front of a browser.
 */
export async function startLoginServer(options: {
  readonly client: { readonly id: string; readonly secret: string; readonly redirectUri: string }
  readonly accounts: readonly LoginAccount[]
}): Promise<LoginServer> {
  const { client, accounts } = options
  const findAccount = (email: string) => accounts.find((account) => account.email === email)
  const server = createServer((request, reply) => {
    void answer(request, reply).catch((error: unknown) => reply.writeHead(500).end(String(error)))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const { Provider: OidcProvider } = await importQuietly()
  const provider: Provider = new OidcProvider(issuer, {
    adapter: createLoginStore(),
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: [client.redirectUri] }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'one', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    routes: { authorization: `${realm}/auth`, token: `${realm}/token`, userinfo: `${realm}/userinfo` },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // A client with a secret may do without.
    pkce: { required: () => false },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
    findAccount: (_context: unknown, email: string) => {
      const found = findAccount(email)
      return found && { accountId: email, claims: () => ({ sub: email, ...claimsOf(found) }) }
    },
  })
  const toProvider = provider.callback()

  async function answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    if (request.url?.startsWith('/interaction/') !== true) return toProvider(request, reply)
    const { prompt, params, session } = await provider.interactionDetails(request, reply)
    if (request.method !== 'POST')
      return show(reply, prompt.name === 'login' ? loginPage('') : consentPage(params.scope ?? ''))
    const form = await readForm(request)
    if (prompt.name === 'login') {
      const found = findAccount(form.get('email') ?? '')
      if (found === undefined || found.password !== form.get('password'))
        return show(reply, loginPage('Wrong e-mail or password'))
      return provider.interactionFinished(request, reply, { login: { accountId: found.email } })
    }
    if (form.get('answer') !== 'allow')
      return provider.interactionFinished(request, reply, {
        error: 'access_denied',
        error_description: 'The user said no',
      })
    const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params.client_id })
    grant.addOIDCScope(params.scope ?? '')
    return provider.interactionFinished(request, reply, { consent: { grantId: await grant.save() } })
  }

  const close = () =>
    new Promise<void>((closed) => {
      server.closeAllConnections()
      server.close(() => closed())
    })
  closeWithTest(close)
  return { issuer, close }
}

/** On Node 20 it prints that it wants a newer one; what is used of it here works on both. */
async function importQuietly() {
  const console = globalThis.console as { warn: (...text: unknown[]) => void }
  const { warn } = console
  console.warn = () => undefined
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}

const claimsOf = ({ email, name }: LoginAccount) => ({ email, email_verified: true, name })

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

const show = (reply: ServerResponse, body: string): void =>
  void reply
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    .end(`<!doctype html><title>Login server</title><form method="post">${body}</form>`)

const loginPage = (problem: string) => `<h1>Sign in</h1><p role="alert">${problem}</p>
  <label>E-mail <input name="email" type="email"></label>
  <label>Password <input name="password" type="password"></label>
  <button>Sign in</button>`

/** `scope` is one that the provider knows: it has checked it. */
const consentPage = (scope: string) => `<h1>May it know your ${scope}?</h1>
  <button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button>`
