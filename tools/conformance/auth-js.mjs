// Prepares a running platform for auth-js's own tests, and stands where they look for their servers: the Supabase CLI's
// port, and one port for each container of their compose file. How to use it: docs/auth-conformance.md.
//
//   node tools/conformance/auth-js.mjs <auth-js checkout>
//
// What it puts right between the two, and no more: paths (the suite knows one project per address), and the API key, which
// the suite signs with the project's asymmetric key, or leaves out where it speaks to GoTrue without a gateway.
import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile, mkdir } from 'node:fs/promises'
import { Agent, createServer, request as send } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'

const [checkout] = process.argv.slice(2)
if (checkout === undefined) throw new Error('usage: node tools/conformance/auth-js.mjs <auth-js checkout>')
const home = process.env.FAVO_HOME ?? join(homedir(), '.favo')
const { api_url: apiUrl } = JSON.parse(await readFile(join(home, 'run/favo.json'), 'utf8'))
const token = (await readFile(join(home, 'secrets/bootstrap-token'), 'utf8')).trim()

async function control(method, path, body) {
  const reply = await fetch(`${apiUrl}/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const signingKey = { ...privateKey.export({ format: 'jwk' }), key_ops: ['sign', 'verify'], alg: 'RS256' }

/** Where the suite's generator puts its key. The platform names keys itself. */
async function noteSigningKey(kid) {
  await mkdir(join(checkout, 'test/supabase'), { recursive: true })
  const text = JSON.stringify([{ ...signingKey, kid }], null, 2)
  await writeFile(join(checkout, 'test/supabase/signing_keys.json'), `${text}\n`)
}

const factors = {
  mfa_phone_enroll_enabled: true,
  mfa_phone_verify_enabled: true,
  mfa_phone_max_frequency: 1,
  mfa_web_authn_enroll_enabled: true,
  mfa_web_authn_verify_enabled: true,
}
const containerSecret = '37c304f8-51aa-419a-a1af-06154e63707a'
/** As test/supabase/config.toml and infra/docker-compose.yml have them. */
const servers = [
  {
    port: 54_321,
    prefix: '',
    jwtSecret: 'super-secret-jwt-token-with-at-least-32-characters-long',
    signingKey,
    settings: {
      ...factors,
      site_url: 'http://127.0.0.1:3000',
      uri_allow_list: 'https://127.0.0.1:3000,http://localhost:5173',
      mailer_autoconfirm: true,
      smtp_max_frequency: 1,
      external_anonymous_users_enabled: true,
      external_phone_enabled: true,
      sms_autoconfirm: true,
      // The CLI has no provider unless one is set up; here messages would be in the inbox.
      sms_provider: 'twilio',
      sms_max_frequency: 1,
      sms_test_otp: '1234567890=123456',
      passkey_enabled: true,
      webauthn_rp_display_name: 'auth-js tests',
      webauthn_rp_id: 'localhost',
      webauthn_rp_origins: 'http://localhost:5173',
      external_google_enabled: true,
      external_google_client_id: 'the-client',
      external_google_secret: 'the-secret',
      external_google_skip_nonce_check: true,
      oauth_server_enabled: true,
      oauth_server_authorization_path: '/oauth/consent',
      oauth_server_allow_dynamic_registration: true,
    },
  },
  {
    port: 9_999,
    prefix: '/auth/v1',
    jwtSecret: containerSecret,
    settings: {
      ...factors,
      site_url: 'http://localhost:9999',
      uri_allow_list: 'https://supabase.io/docs',
      mailer_autoconfirm: false,
      external_phone_enabled: true,
      sms_provider: 'twilio',
      external_google_enabled: true,
      external_google_client_id: 'the-client',
      external_google_secret: 'the-secret',
    },
  },
  {
    port: 9_998,
    prefix: '/auth/v1',
    jwtSecret: containerSecret,
    settings: {
      ...factors,
      site_url: 'http://localhost:9998',
      mailer_autoconfirm: true,
      sms_autoconfirm: true,
      external_phone_enabled: true,
      external_anonymous_users_enabled: true,
    },
  },
  {
    port: 9_997,
    prefix: '/auth/v1',
    jwtSecret: containerSecret,
    settings: {
      ...factors,
      site_url: 'http://localhost:9997',
      mailer_autoconfirm: false,
      disable_signup: true,
      external_email_enabled: false,
    },
  },
  {
    port: 9_996,
    prefix: '/auth/v1',
    jwtSecret: 'Z7-AyPyChGNcQsX16cPBV-pPBo4q-zckDxkq1VZjATo',
    signingKey: 'RS256',
    settings: {
      ...factors,
      site_url: 'http://localhost:9996',
      mailer_autoconfirm: true,
      sms_autoconfirm: true,
      external_phone_enabled: true,
    },
  },
]

async function prepare({ jwtSecret, signingKey: key, settings, port }) {
  const { connection } = await control('POST', '/projects', {
    name: `auth-js ${port}`,
    jwt_secret: jwtSecret,
  })
  const path = `/projects/${connection.ref}/config/auth`
  if (key !== undefined) {
    const { id } = await control('POST', `${path}/signing-keys`, {
      algorithm: 'RS256',
      status: 'in_use',
      ...(key === 'RS256' ? {} : { private_jwk: key }),
    })
    if (key !== 'RS256') await noteSigningKey(id)
  }
  await control('PATCH', path, settings)
  return connection
}

const roleOf = (key) => {
  try {
    return JSON.parse(Buffer.from(key.split('.')[1] ?? '', 'base64url').toString()).role
  } catch {
    return undefined
  }
}

// A kept connection may be closed by the other side in the moment of its use.
const agent = new Agent({ keepAlive: false })

function stand({ port, prefix }, connection) {
  const target = new URL(apiUrl)
  const server = createServer((request, reply) => {
    const isService = roleOf(String(request.headers.apikey ?? '')) === 'service_role'
    const forwarded = send(
      {
        agent,
        host: target.hostname,
        port: target.port,
        method: request.method,
        path: `/p/${connection.ref}${prefix}${request.url}`,
        headers: {
          ...request.headers,
          host: target.host,
          apikey: isService ? connection.keys.service_role : connection.keys.anon,
        },
      },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(reply)
      },
    )
    forwarded.on('error', () => reply.destroy())
    request.pipe(forwarded)
  })
  // Else a client may use a kept connection in the moment in which it is closed.
  server.keepAliveTimeout = 600_000
  // localhost may be either.
  server.listen(port, '::', () => console.log(`http://localhost:${port} is ${connection.ref}`))
}

for (const server of servers) stand(server, await prepare(server))
console.log('ready; end with Ctrl-C')
