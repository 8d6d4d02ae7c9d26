import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startHookServer, type HookServer } from '../../test/hook-server.ts'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let base: TestAuth
let leaks: HookServer
beforeAll(async () => {
  leaks = await startHookServer()
  base = await startAuth({ outbound: { origins: { 'https://api.pwnedpasswords.com': leaks.url } } })
})
afterAll(async () => {
  await base.close()
  await leaks.close()
})
beforeEach(() => {
  leaks.calls.length = 0
})

const signUp = (auth: TestAuth, password: string) =>
  auth.post('/signup', { email: `${randomUUID()}@example.com`, password })
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex').toUpperCase()
const leak = (...passwords: string[]) =>
  leaks.answer(() => ({
    headers: { 'content-type': 'text/plain' },
    body: [...passwords.map((password) => `${sha1(password).slice(5)}:37`), `${'0'.repeat(35)}:0`].join(
      '\r\n',
    ),
  }))

const letters = 'abcdefghijklmnopqrstuvwxyz'
const required = `${letters}:${letters.toUpperCase()}:0123456789`
const each = `Password should contain at least one character of each: ${required.replaceAll(':', ', ')}.`
test.each([
  ['abcDEF123', null, []],
  ['abcdef123', each, ['characters']],
  ['Ab', `Password should be at least 6 characters. ${each}`, ['length', 'characters']],
])('where letters and digits are wanted: %s', async (password, msg, reasons) => {
  const auth = await base.with({ passwordRequiredCharacters: required })
  const { status, body } = await signUp(auth, password)
  if (msg === null) expect(status).toBe(200)
  else
    expect({ status, body }).toMatchObject({
      status: 422,
      body: { error_code: 'weak_password', msg, weak_password: { reasons } },
    })
})

test('a colon may be wanted too', async () => {
  const auth = await base.with({ passwordRequiredCharacters: String.raw`abc:!\:?` })
  expect((await signUp(auth, 'abcabc')).status).toBe(422)
  expect((await signUp(auth, 'abc:abc')).status).toBe(200)
})

test('a leaked password is refused, and only five digits of its hash are shown to anybody', async () => {
  const auth = await base.with({ passwordHibpEnabled: true })
  leak('password-1')
  expect(await signUp(auth, 'password-1')).toMatchObject({
    status: 422,
    body: {
      error_code: 'weak_password',
      msg: 'Password is known to be weak and easy to guess, please choose a different one.',
      weak_password: { reasons: ['pwned'] },
    },
  })
  expect(leaks.calls[0]).toMatchObject({ path: `/range/${sha1('password-1').slice(0, 5)}`, body: '' })
  leak('another')
  expect((await signUp(auth, 'password-1')).status).toBe(200)
})

test('the operator may name another server of ranges, or plug in a list of his own', async () => {
  const mirrored = await startAuth({
    auth: { passwordHibpEnabled: true },
    leakedPasswords: `${leaks.url}/mirror/`,
  })
  leak('password-1')
  expect((await signUp(mirrored, 'password-1')).body.error_code).toBe('weak_password')
  expect(leaks.calls[0]?.path).toBe(`/mirror/range/${sha1('password-1').slice(0, 5)}`)
  const listed = await startAuth({
    auth: { passwordHibpEnabled: true },
    leakedPasswords: { isLeaked: async (password) => password === 'of the company' },
  })
  expect((await signUp(listed, 'of the company')).body.error_code).toBe('weak_password')
  expect((await signUp(listed, 'password-1')).status).toBe(200)
})

test('when nobody answers, sign-ups go on', async () => {
  const auth = await base.with({ passwordHibpEnabled: true })
  for (const answer of [{ isBroken: true }, { status: 500 }]) {
    leaks.answer(() => answer)
    expect((await signUp(auth, 'password-1')).status).toBe(200)
  }
})

test('who signs in with a password that would be refused today is told so', async () => {
  const auth = await base.with({ passwordHibpEnabled: true })
  const ann = await base.ann()
  leak(ann.password)
  expect(await auth.signIn(ann.email, ann.password)).toMatchObject({
    status: 200,
    body: { weak_password: { reasons: ['pwned'] } },
  })
})

test('a new password is checked like the first', async () => {
  const auth = await base.with({ passwordRequiredCharacters: '0123456789' })
  const ann = await base.ann()
  for (const path of ['/user', `/admin/users/${ann.id}`]) {
    const token = path === '/user' ? ann.token : auth.keys.service
    expect(await auth.put(path, { password: 'abcdefgh' }, { token })).toMatchObject({
      status: 422,
      body: { error_code: 'weak_password' },
    })
  }
})
