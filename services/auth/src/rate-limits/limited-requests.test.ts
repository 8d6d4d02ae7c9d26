import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type Reply, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
beforeAll(async () => {
  auth = await startAuth({
    auth: {
      forwardedForEnabled: true,
      anonymousUsersEnabled: true,
      web3EthereumEnabled: true,
      samlEnabled: true,
      passkeyEnabled: true,
      rateLimitAnonymousUsers: 3,
    },
  })
})
afterAll(() => auth.close())

let client = 0
const newIp = () => `203.0.113.${(client += 1)}`
/** As a server asks that tells for whom. */
const from = (ip: string) => ({
  headers: { apikey: auth.keys.service, 'sb-forwarded-for': `${ip}, 10.0.0.1` },
})
const limited = ({ status, body }: Reply) => status === 429 && body.error_code === 'over_request_rate_limit'

/** How many of these get through before one is told to wait. */
async function countUntilLimited(ask: () => Promise<Reply>, max = 40): Promise<number> {
  for (let count = 0; count < max; count += 1) {
    const reply = await ask()
    if (!limited(reply)) continue
    expect(reply.body).toMatchObject({ code: 429, msg: 'Request rate limit reached' })
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
    return count
  }
  return max
}

const email = () => `nobody-${randomUUID()}@example.com`
test.each([
  ['POST', '/signup', () => ({ email: 'x' })],
  ['POST', '/otp', () => ({ email: 'x' })],
  ['POST', '/magiclink', () => ({ email: 'x' })],
  ['POST', '/recover', () => ({ email: email() })],
  ['POST', '/resend', () => ({ type: 'signup', email: email() })],
  ['POST', '/verify', () => ({ type: 'signup', email: 'a@example.com', token: '1' })],
  ['GET', '/verify?type=signup', () => undefined],
  ['POST', '/token?grant_type=refresh_token', () => ({ refresh_token: 'x' })],
  ['POST', '/token?grant_type=web3', () => ({ chain: 'x' })],
  ['POST', '/sso', () => ({ domain: 'example.com' })],
  ['POST', '/passkeys/authentication/options', () => ({})],
])('%s %s is limited by the client’s address', async (method, path, body) => {
  const ip = newIp()
  const ask = (address: string) => () => auth.send(method, path, body(), from(address))
  expect(await countUntilLimited(ask(ip))).toBe(30)
  expect(limited(await ask(newIp())())).toBe(false)
})

test('anonymous users are counted by the hour', async () => {
  const ip = newIp()
  expect(await countUntilLimited(() => auth.post('/signup', {}, from(ip)))).toBe(3)
  // Other sign-ups are not meant.
  expect(limited(await auth.post('/signup', { email: email(), password: 'a-password' }, from(ip)))).toBe(
    false,
  )
})

test('what one project’s clients do does not limit another’s', async () => {
  const other = await auth.with({}, { ref: 'strangerstrangerstrn' })
  const ip = newIp()
  const ask = (at: TestAuth) => at.post('/otp', { email: 'x' }, from(ip))
  await countUntilLimited(() => ask(auth))
  expect(limited(await ask(other))).toBe(false)
})

test('nobody can be somebody else without a secret key, and only where the project allows it', async () => {
  const claim = (at: TestAuth, headers: Record<string, string>) => () =>
    at.post('/otp', { email: 'x' }, { headers: { 'sb-forwarded-for': '203.0.113.250', ...headers } })
  // This machine itself is not limited: whoever asks here is a proxy that nobody declared, or a developer.
  expect(await countUntilLimited(claim(auth, {}))).toBe(40)
  const strict = await auth.with({ forwardedForEnabled: false })
  expect(await countUntilLimited(claim(strict, { apikey: auth.keys.service }))).toBe(40)
  expect(await countUntilLimited(claim(auth, { apikey: auth.keys.service }))).toBe(30)
})

test('guessing a password slows down, for accounts that are there and those that are not', async () => {
  const ann = await auth.ann()
  const stranger = email()
  const guess = (address: string) => () => auth.signIn(address, `wrong-${randomUUID()}`)
  expect(await countUntilLimited(guess(ann.email))).toBe(10)
  expect(await countUntilLimited(guess(stranger))).toBe(10)
  // In whatever spelling, and with the right one too: else a guesser would know it by the answer.
  expect(limited(await auth.signIn(ann.email.toUpperCase(), ann.password))).toBe(true)
  // From elsewhere the owner gets in, and who knows the password may mistype it again.
  const elsewhere = (password: string) =>
    auth.post('/token?grant_type=password', { email: ann.email, password }, from('198.51.100.7'))
  for (let round = 0; round < 3; round += 1) {
    for (let miss = 0; miss < 5; miss += 1) expect((await elsewhere('mistyped')).status).toBe(400)
    expect((await elsewhere(ann.password)).status).toBe(200)
  }
})

test('guesses that come all at once are paid for afterwards', async () => {
  const ann = await auth.ann()
  const replies = await Promise.all(Array.from({ length: 20 }, () => auth.signIn(ann.email, 'wrong')))
  expect(replies.every(({ status }) => status === 400 || status === 429)).toBe(true)
  const after = await auth.signIn(ann.email, 'wrong')
  expect(limited(after)).toBe(true)
})
