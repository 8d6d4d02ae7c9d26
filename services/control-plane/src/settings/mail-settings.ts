import {
  mailNames,
  notificationNames,
  type MailConfig,
  type MailName,
  type NotificationName,
} from '@favo/contracts'
import { findTemplateProblem, shippedTemplates, type MailTemplate } from '@favo/mail-templates'
import { sql, type Queryable } from '@favo/postgres'
import { defaultMailSettings, type MailSettings } from '@favo/projects'
import { sha256Hex, type SecretBox } from '@favo/tokens'
import { controlErrors } from '../errors.ts'

type Asked = Readonly<Record<string, boolean | string | null | undefined>>

/** Those that are stored as they are asked for. */
const plain = {
  smtp_host: 'smtpHost',
  smtp_user: 'smtpUser',
  smtp_admin_email: 'smtpAdminEmail',
  smtp_sender_name: 'smtpSenderName',
  mailer_language: 'mailerLanguage',
} as const satisfies Record<string, keyof MailSettings>

const passwordContext = (ref: string) => `project:${ref}:auth:smtp_pass`
const subjectOf = (name: MailName) => `mailer_subjects_${name}`
const contentOf = (name: MailName) => `mailer_templates_${name}_content`
const enabledOf = (name: NotificationName) => `mailer_notifications_${name}_enabled`

/** Stores what was asked for and leaves the rest; null takes a setting back to its default. Throws when mails could not be sent so. */
export async function saveMail(
  { db, secretBox }: { readonly db: Queryable; readonly secretBox: SecretBox },
  ref: string,
  asked: Asked,
): Promise<void> {
  if (Object.values(asked).every((value) => value === undefined)) return
  checkTemplates(asked)
  const { auth: before } = await db.one<{ auth: MailSettings }>(
    sql`select auth from control.project_settings where ref = ${ref} for update`,
  )
  const seal = (password: string) => secretBox.seal(password, passwordContext(ref))
  const next = applyAsked(before, asked, seal)
  if ((next.smtpHost ?? '') !== '' && (next.smtpAdminEmail ?? '') === '')
    throw controlErrors.invalid('smtp_admin_email must say whom mails come from before smtp_host is set.')
  await db.run(
    sql`update control.project_settings set auth = ${JSON.stringify(next)}::jsonb where ref = ${ref}`,
  )
}

function checkTemplates(asked: Asked): void {
  const check = (part: keyof MailTemplate, setting: string) => {
    const template = asked[setting]
    const problem = typeof template === 'string' ? findTemplateProblem(part, template) : null
    if (problem !== null) throw controlErrors.invalid(`${setting}: ${problem}.`)
  }
  for (const name of mailNames) {
    check('subject', subjectOf(name))
    check('content', contentOf(name))
  }
}

function applyAsked(before: MailSettings, asked: Asked, seal: (password: string) => string): MailSettings {
  const next: Record<string, unknown> = { ...before }
  const put = (member: keyof MailSettings, value: unknown) => {
    if (value === undefined) return
    if (value === null) delete next[member]
    else next[member] = value
  }
  for (const [name, member] of Object.entries(plain)) put(member, asked[name])
  const { smtp_port: port, smtp_pass: password } = asked
  put('smtpPort', typeof port === 'string' ? Number(port) : port)
  put('smtpPassword', typeof password === 'string' && password !== '' ? seal(password) : password)
  put('mailerSubjects', change(before.mailerSubjects, asked, mailNames, subjectOf, 'subject'))
  put('mailerTemplates', change(before.mailerTemplates, asked, mailNames, contentOf, 'content'))
  const notifications = { ...before.mailerNotifications }
  for (const name of notificationNames) {
    const isEnabled = asked[enabledOf(name)]
    if (isEnabled !== undefined) notifications[name] = isEnabled === true
  }
  put('mailerNotifications', notifications)
  return next
}

/** What equals ours is no choice: who sends back all that was read must not lose the other languages by it. */
function change(
  before: Readonly<Partial<Record<MailName, string>>> | undefined,
  asked: Asked,
  names: readonly MailName[],
  settingOf: (name: MailName) => string,
  part: keyof MailTemplate,
): Partial<Record<MailName, string>> {
  const next = { ...before }
  for (const name of names) {
    const value = asked[settingOf(name)]
    if (value === undefined) continue
    if (typeof value !== 'string' || value === '' || value === shippedTemplates.en[name][part])
      delete next[name]
    else next[name] = value
  }
  return next
}

/** Settings as stored, with the password opened. Throws when the master key is not the one that sealed it. */
export const openMail = <Stored extends MailSettings>(
  secretBox: SecretBox,
  ref: string,
  stored: Stored,
): Stored =>
  stored.smtpPassword === undefined || stored.smtpPassword === ''
    ? stored
    : { ...stored, smtpPassword: secretBox.open(stored.smtpPassword, passwordContext(ref)) }

/** As the Management API shows it: the password by its hash; in place of templates that nobody has chosen, ours. */
export function renderMailSettings(given: MailSettings): MailConfig {
  const mail = { ...defaultMailSettings, ...given }
  const ours = shippedTemplates[mail.mailerLanguage ?? 'en']
  const presence = (text: string) => (text === '' ? null : text)
  return {
    smtp_host: presence(mail.smtpHost),
    smtp_port: mail.smtpHost === '' && given.smtpPort === undefined ? null : String(mail.smtpPort),
    smtp_user: presence(mail.smtpUser),
    smtp_pass: mail.smtpPassword === '' ? null : sha256Hex(mail.smtpPassword),
    smtp_admin_email: presence(mail.smtpAdminEmail),
    smtp_sender_name: presence(mail.smtpSenderName),
    mailer_language: mail.mailerLanguage,
    ...Object.fromEntries(
      mailNames.flatMap((name) => [
        [subjectOf(name), mail.mailerSubjects[name] ?? ours[name].subject],
        [contentOf(name), mail.mailerTemplates[name] ?? ours[name].content],
      ]),
    ),
    ...Object.fromEntries(
      notificationNames.map((name) => [enabledOf(name), mail.mailerNotifications[name] ?? false]),
    ),
  }
}
