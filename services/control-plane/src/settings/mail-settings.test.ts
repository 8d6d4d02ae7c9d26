import { mailFields, type CreatedProject, type ErrorBody } from '@favo/contracts'
import { shippedTemplates } from '@favo/mail-templates'
import { sql } from '@favo/postgres'
import { sha256Hex } from '@favo/tokens'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let platform: TestPlatformDatabase
let control: TestControlPlane
let ref: string
beforeAll(async () => {
  platform = await createPlatformDatabase()
  control = await platform.start()
  ref = (await control.request<CreatedProject>('POST', '/projects', { name: 'mails' })).body.ref
})
afterAll(() => platform.close())

type Config = Record<string, unknown> & ErrorBody
const get = async () => (await control.request<Config>('GET', `/projects/${ref}/config/auth`)).body
const patch = (body: object) => control.request<Config>('PATCH', `/projects/${ref}/config/auth`, body)
const load = async () => (await control.controlPlane.directorySource.loadByRef(ref))?.auth

const smtp = {
  smtp_host: 'smtp.example.com',
  smtp_port: '2525',
  smtp_user: 'mailer',
  smtp_pass: 'mail-secret',
  smtp_admin_email: 'hello@example.com',
  smtp_sender_name: 'Ann’s shop',
}

test('every setting that can be set is shown, with the templates that hold', async () => {
  const config = await get()
  for (const name of Object.keys(mailFields)) expect(config, name).toHaveProperty(name)
  expect(config).toMatchObject({
    smtp_host: null,
    smtp_port: null,
    smtp_pass: null,
    mailer_language: null,
    mailer_subjects_recovery: shippedTemplates.en.recovery.subject,
    mailer_templates_recovery_content: shippedTemplates.en.recovery.content,
    mailer_notifications_password_changed_enabled: false,
  })
})

test('a mail server is stored with its password sealed, shown by its hash, and known to the service', async () => {
  const reply = await patch(smtp)
  expect(reply.status, JSON.stringify(reply.body)).toBe(200)
  expect(reply.body).toMatchObject({ ...smtp, smtp_pass: sha256Hex('mail-secret') })
  expect(await load()).toMatchObject({
    smtpHost: 'smtp.example.com',
    smtpPort: 2525,
    smtpPassword: 'mail-secret',
  })
  const { auth } = await platform.db.one<{ auth: string }>(
    sql`select auth::text as auth from control.project_settings where ref = ${ref}`,
  )
  expect(auth).not.toContain('mail-secret')
  // A change of one part leaves the others, and port may be a number.
  expect((await patch({ smtp_port: 465 })).body).toMatchObject({
    ...smtp,
    smtp_port: '465',
    smtp_pass: sha256Hex('mail-secret'),
  })
  const gone = await patch(Object.fromEntries(Object.keys(smtp).map((name) => [name, null])))
  expect(gone.body).toMatchObject({ smtp_host: null, smtp_port: null, smtp_pass: null })
  expect(await load()).not.toHaveProperty('smtpPassword')
})

test('templates and notifications are the project’s own until they are taken back', async () => {
  const own = {
    mailer_subjects_recovery: 'New password for {{ .Email }}',
    mailer_templates_recovery_content: '<p>{{ if .Data.name }}{{ .Data.name }}{{ end }} {{ .Token }}</p>',
    mailer_templates_password_changed_notification_content: '<p>Changed</p>',
    mailer_notifications_password_changed_enabled: true,
    mailer_language: 'pt-BR',
  }
  expect((await patch(own)).body).toMatchObject({
    ...own,
    mailer_subjects_invite: shippedTemplates['pt-BR'].invite.subject,
  })
  expect(await load()).toMatchObject({
    mailerLanguage: 'pt-BR',
    mailerSubjects: { recovery: own.mailer_subjects_recovery },
    mailerNotifications: { password_changed: true },
  })
  const back = await patch(Object.fromEntries(Object.keys(own).map((name) => [name, null])))
  expect(back.body).toMatchObject({
    mailer_subjects_recovery: shippedTemplates.en.recovery.subject,
    mailer_notifications_password_changed_enabled: false,
  })
})

test('sending back what was read chooses nothing', async () => {
  const config = await get()
  const mails = Object.fromEntries(
    Object.entries(config).filter(([name]) => /^mailer_(sub|templ)/.test(name)),
  )
  expect((await patch(mails)).status).toBe(200)
  expect(await load()).toMatchObject({ mailerSubjects: {}, mailerTemplates: {} })
})

test.each([
  [
    { mailer_templates_invite_content: 'a\n{{ if .Email }}' },
    'mailer_templates_invite_content: line 2: {{if}} has no {{end}}',
  ],
  [
    { mailer_subjects_invite: '{{ env "HOME" }}' },
    'mailer_subjects_invite: line 1: there is no function "env"',
  ],
  [{ mailer_subjects_invite: '{{ range 99999999 }}{{ end }}' }, 'more than 50000 steps'],
  [{ mailer_subjects_invite: 'a\r\nBcc: eve@example.com' }, 'mailer_subjects_invite'],
  [{ smtp_host: 'smtp.example.com' }, 'smtp_admin_email must say whom mails come from'],
  [{ smtp_host: 'smtp.example.com\r\nRCPT' }, 'smtp_host'],
  [{ smtp_host: 'http://smtp.example.com/' }, 'smtp_host'],
  [{ smtp_port: '70000' }, 'smtp_port'],
  [{ smtp_admin_email: 'Ann <a@example.com>' }, 'smtp_admin_email'],
  [{ smtp_sender_name: 'Ann\r\nBcc: eve@example.com' }, 'smtp_sender_name'],
  [{ mailer_language: 'de' }, 'mailer_language'],
  [
    { site_url: 'https://changed.example', mailer_otp_length: 8, smtp_host: 'smtp.example.com' },
    'smtp_admin_email',
  ],
])('%j is refused with a sentence, and nothing of it stays', async (body, sentence) => {
  const before = await get()
  const reply = await patch(body)
  expect(reply.status).toBe(422)
  expect(reply.body.message).toContain(sentence)
  expect(await get()).toEqual(before)
})
