import { randomUUID } from 'node:crypto'
import { poll } from '@favo/cluster'
import type { AuthSettings } from '@favo/projects'
import { startSmtpCatcher, type SmtpCatcher, type SmtpCatcherOptions } from '@favo/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let base: TestAuth
const catchers: SmtpCatcher[] = []
beforeAll(async () => {
  base = await startAuth()
})
afterAll(async () => {
  await base.close()
  for (const smtp of catchers) await smtp.close()
})

const login = { user: 'mailer', password: 'mail-secret' }

/** Signs somebody up through a mail server of this kind, and tells what became of the mail. */
async function mailThrough(
  server: SmtpCatcherOptions,
  settings: (smtp: SmtpCatcher) => Partial<AuthSettings>,
  trusts: (smtp: SmtpCatcher) => readonly string[] = ({ certificate }) => [certificate],
) {
  const smtp = await startSmtpCatcher(server)
  catchers.push(smtp)
  const authorities = trusts(smtp).filter((certificate) => certificate !== '')
  const auth = await startAuth({
    given: base,
    auth: {
      mailerAutoconfirm: false,
      smtpHost: 'localhost',
      smtpPort: smtp.port,
      smtpAdminEmail: 'hello@shop.example',
      ...settings(smtp),
    },
    outbound: { allowPrivate: true },
    mails: {
      firstRetrySeconds: 600,
      sendTimeoutMs: 3_000,
      ...(authorities.length === 0 ? {} : { certificateAuthorities: authorities }),
    },
  })
  const email = `new-${randomUUID()}@example.com`
  await auth.post('/signup', { email, password: 'secret-password' })
  await poll(async () => {
    const [mail] = await auth.mails(email)
    return mail?.state === 'sent' || mail?.error !== null
  }, 10_000)
  return { smtp, told: await auth.lastMail(email) }
}

test('a server that offers TLS gets the mail, and the password, over it', async () => {
  const { smtp, told } = await mailThrough({ isEncrypted: true, login }, () => ({
    smtpUser: login.user,
    smtpPassword: login.password,
  }))
  expect(told).toMatchObject({ state: 'sent', error: null })
  expect(smtp.mails).toMatchObject([{ isEncrypted: true, user: 'mailer' }])
})

test('a server whose certificate nobody vouches for gets nothing', async () => {
  const { smtp, told } = await mailThrough(
    { isEncrypted: true },
    () => ({}),
    () => [],
  )
  expect(told).toMatchObject({ state: 'waiting', error: expect.stringMatching(/self.signed/) as string })
  expect(smtp.mails).toEqual([])
})

test('a password never goes over the wire in the clear, whatever the server says', async () => {
  // Another name of this machine, which is not known to be one.
  const { smtp, told } = await mailThrough({ login }, () => ({
    smtpHost: '127.1',
    smtpUser: login.user,
    smtpPassword: login.password,
  }))
  expect(told.state).toBe('waiting')
  expect(told.error).toMatch(/STARTTLS/i)
  expect(smtp.mails).toEqual([])
})

test('a wrong password is the operator’s to mend: the mail waits, and says why without it', async () => {
  const { told } = await mailThrough({ login }, () => ({
    smtpUser: login.user,
    smtpPassword: 'wrong-secret',
  }))
  expect(told).toMatchObject({ state: 'waiting', tries: 1 })
  expect(told.error).toMatch(/535|login/i)
  expect(told.error).not.toContain('wrong-secret')
})

test('a port that nobody listens on, and a name that nobody has', async () => {
  const closed = await mailThrough({}, () => ({ smtpPort: 1 }))
  expect(closed.told).toMatchObject({
    state: 'waiting',
    error: expect.stringContaining('ECONNREFUSED') as string,
  })
  const nobody = await mailThrough({}, () => ({ smtpHost: 'mail.invalid' }))
  expect(nobody.told).toMatchObject({ state: 'waiting' })
})
