import { randomUUID } from 'node:crypto'
import { poll } from '@favo/cluster'
import { startSmtpCatcher, type SmtpCatcher } from '@favo/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startAuth, type TestAuth } from '../../test/start-auth.ts'

let auth: TestAuth
let smtp: SmtpCatcher
beforeAll(async () => {
  smtp = await startSmtpCatcher()
  auth = await startAuth({
    auth: {
      mailerAutoconfirm: false,
      mailMaxFrequencySeconds: 0,
      rateLimitEmailSent: 1_000,
      siteUrl: 'https://shop.example',
      uriAllowList: ['https://shop.example/**'],
      smtpHost: '127.0.0.1',
      smtpPort: smtp.port,
      smtpAdminEmail: 'hello@shop.example',
      smtpSenderName: 'Shop',
      mailerSubjects: { confirmation: 'Hi {{ .Data.name }}, {{ .Email }}' },
      mailerTemplates: {
        confirmation: `<p>{{ .Data.name }}</p><a href="{{ .Data.link }}" title="{{ .Data.name }}" onclick="x({{ .Data.name }})">x</a>
          <a href="{{ .ConfirmationURL }}">Go</a><!-- {{ .Data.name }} --><style>p { color: {{ .Data.name }} }</style>`,
      },
    },
    outbound: { allowPrivate: true },
  })
})
afterAll(async () => {
  await auth.close()
  await smtp.close()
})

const newEmail = () => `new-${randomUUID()}@example.com`
async function caught(email: string) {
  await poll(async () => smtp.mails.some(({ envelope }) => envelope.to.includes(email)), 10_000)
  const mail = smtp.mails.find(({ envelope }) => envelope.to.includes(email))
  if (mail === undefined) throw new Error(`no mail to ${email}`)
  return mail
}
async function mailTo(data: object, headers: Record<string, string> = {}, query = '') {
  const email = newEmail()
  const reply = await auth.post(`/signup${query}`, { email, password: 'secret-password', data }, { headers })
  expect(reply.status).toBe(200)
  return caught(email)
}
const linkIn = (html: string) =>
  new URL((/href="([^"]+)">Go</.exec(html)?.[1] ?? '').replaceAll('&amp;', '&'))

describe('links lead to the project, whatever a request says of itself', () => {
  test.each([
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.example;proto=https' },
    { 'x-host': 'evil.example', 'x-original-host': 'evil.example', 'x-rewrite-url': 'https://evil.example/' },
    { referer: 'https://evil.example/' },
    { origin: 'https://evil.example' },
  ] as Record<string, string>[])('%j', async (headers) => {
    const { html, text } = await mailTo({}, headers)
    const link = linkIn(html)
    expect(link.origin).toBe(`http://${auth.project.ref}.favo.localhost:8000`)
    expect(link.searchParams.get('redirect_to')).toBe('https://shop.example')
    expect(html + text).not.toContain('evil.example')
  })

  test.each([
    'https://evil.example/',
    '//evil.example',
    'https://shop.example@evil.example',
    'javascript:alert(1)',
  ])('redirect_to=%s', async (redirect) => {
    const { html } = await mailTo({}, {}, `?redirect_to=${encodeURIComponent(redirect)}`)
    expect(linkIn(html).searchParams.get('redirect_to')).toBe('https://shop.example')
    expect(html).not.toContain('evil.example')
  })

  test('redirect_to cannot add to the link that carries it', async () => {
    const redirect = 'https://shop.example/x?a=1&type=recovery#&token=stolen'
    const link = linkIn((await mailTo({}, {}, `?redirect_to=${encodeURIComponent(redirect)}`)).html)
    expect(link.searchParams.getAll('type')).toEqual(['signup'])
    expect(link.searchParams.getAll('token')).toHaveLength(1)
    expect(link.hash).toBe('')
  })
})

describe('what users say of themselves stays text', () => {
  const evil = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'); alert(1); ('",
    '--><script>alert(1)</script>',
    '</style><script>alert(1)</script>',
    '{{ .Token }}{{ .ConfirmationURL }}',
    '\u202Etxt.exe',
  ]
  test.each(evil)('%s', async (name) => {
    const { html } = await mailTo({ name, link: name })
    expect(html).not.toMatch(/<script|<img/i)
    expect(html.match(/<(?!\/?(?:p|a|style)\b|!--)/g)).toBeNull()
    expect(html.match(/<a /g)).toHaveLength(2)
    // A template is not run twice.
    if (name.includes('{{')) expect(html).toContain('{{ .Token }}')
  })

  test.each(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', ' java\nscript:alert(1)'])(
    'an address that would run: %j',
    async (link) => {
      expect((await mailTo({ link })).html).toMatch(/<a href="#ZgotmplZ"/)
    },
  )

  test.each([
    'Ann\r\nBcc: eve@example.com',
    'Ann\nContent-Type: text/plain\n\nHello',
    'Ann\r\n.\r\nMAIL FROM:<eve@example.com>',
    'Ann\u2028Bcc: eve@example.com',
    `Ann ${'x'.repeat(5_000)}`,
  ])('a name that would be headers: %j', async (name) => {
    const before = smtp.mails.length
    const mail = await mailTo({ name })
    expect(mail.headerNames).not.toContain('bcc')
    expect(mail.headerNames.filter((header) => header === 'content-type')).toHaveLength(1)
    expect(mail.subject).toMatch(/^Hi Ann /)
    expect(mail.subject.length).toBeLessThanOrEqual(250)
    expect(mail.envelope.to).toHaveLength(1)
    expect(smtp.mails.length).toBe(before + 1)
  })
})

test.each([
  'ann@example.com\r\nBcc: eve@example.com',
  'ann@example.com,eve@example.com',
  'ann@example.com eve@example.com',
  '<ann@example.com>',
  '"a b"@example.com',
  'ann@example.com>\r\nRCPT TO:<eve@example.com',
])('an address that would be two is none: %j', async (email) => {
  const before = smtp.mails.length
  for (const path of ['/signup', '/recover', '/otp', '/magiclink']) {
    const reply = await auth.post(path, { email, password: 'secret-password' })
    expect(reply, path).toMatchObject({ status: 400, body: { error_code: 'validation_failed' } })
  }
  expect(smtp.mails.length).toBe(before)
})

test('mails are for the service key alone', async () => {
  const ann = await auth.with({ mailerAutoconfirm: true }).then((on) => on.ann())
  const stranger = auth.token({ sub: randomUUID(), role: 'authenticated', aud: 'authenticated' })
  for (const token of [undefined, auth.keys.anon, ann.token, stranger, 'x'])
    expect(
      (await auth.get('/admin/inbox', token === undefined ? {} : { token })).status,
    ).toBeGreaterThanOrEqual(401)
  const all = await auth.get(
    `/admin/inbox?recipient=${encodeURIComponent("x' or 1=1 --")}&state=${encodeURIComponent("'; drop table auth.users --")}&limit=1e9`,
    { token: auth.keys.service },
  )
  expect(all).toMatchObject({ status: 200, body: { mails: [] } })
})

test('a mail speaks the language that its reader wants: of the profile, of the project, of the browser', async () => {
  const plain = await auth.with({ mailerSubjects: {}, mailerTemplates: {} })
  const subjectFor = async (on: TestAuth, data: object, language: string) => {
    const email = newEmail()
    await on.post(
      '/signup',
      { email, password: 'secret-password', data },
      { headers: { 'accept-language': language } },
    )
    return (await caught(email)).subject
  }
  expect(await subjectFor(plain, {}, 'pt-BR,pt;q=0.9,en;q=0.5')).toBe('Confirme seu e-mail')
  expect(await subjectFor(plain, { locale: 'en-GB' }, 'pt-BR')).toBe('Confirm Your Email')
  const brazilian = await plain.with({ mailerSubjects: {}, mailerTemplates: {}, mailerLanguage: 'pt-BR' })
  expect(await subjectFor(brazilian, {}, 'en')).toBe('Confirme seu e-mail')
})
