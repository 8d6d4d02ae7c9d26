import { z } from 'zod'

/** Mails that a user asked for, by the names of Supabase's settings. */
export const actionMailNames = [
  'confirmation',
  'recovery',
  'invite',
  'magic_link',
  'email_change',
  'reauthentication',
] as const

/** What users are told of after it happened, where a project wants it. Their mails' names end in `_notification`. */
export const notificationNames = [
  'password_changed',
  'email_changed',
  'phone_changed',
  'identity_linked',
  'identity_unlinked',
  'mfa_factor_enrolled',
  'mfa_factor_unenrolled',
] as const
export type NotificationName = (typeof notificationNames)[number]

export type MailName = (typeof actionMailNames)[number] | `${NotificationName}_notification`
export const mailNames: readonly MailName[] = [
  ...actionMailNames,
  ...notificationNames.map((name) => `${name}_notification` as const),
]

/** Languages of the mails that Favo brings. */
export const mailLanguages = ['en', 'pt-BR'] as const
export type MailLanguage = (typeof mailLanguages)[number]

const text = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .regex(/^[^\0]*$/)
/** Of one line: it stands in a header or in a command of SMTP. */
const line = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    // eslint-disable-next-line no-control-regex -- control characters are what is refused
    .regex(/^[^\x00-\x1f\x7f]*$/)

const subjectFields = Object.fromEntries(
  mailNames.map((name) => [`mailer_subjects_${name}` as const, line(1_024)]),
)
const contentFields = Object.fromEntries(
  mailNames.map((name) => [`mailer_templates_${name}_content` as const, text(131_072)]),
)
const notificationFields = Object.fromEntries(
  notificationNames.map((name) => [`mailer_notifications_${name}_enabled` as const, z.boolean()]),
)

/** Settings of a project's mails, by the Management API's names. `mailer_language` is ours. */
export const mailFields: Readonly<Record<string, z.ZodType<boolean | string>>> = {
  smtp_host: z.union([
    z.literal(''),
    z
      .string()
      .max(253)
      .regex(/^[a-zA-Z0-9._:-]+$/, 'must be a host name or an address'),
  ]),
  smtp_port: z
    .union([z.string().regex(/^\d{1,5}$/), z.number().int()])
    .transform(String)
    .refine((port) => Number(port) >= 1 && Number(port) <= 65_535, 'must be a port'),
  smtp_user: line(1_024),
  smtp_pass: line(4_096),
  smtp_admin_email: z.union([z.literal(''), z.email().max(255)]),
  smtp_sender_name: line(256),
  mailer_language: z.enum(mailLanguages),
  ...subjectFields,
  ...contentFields,
  ...notificationFields,
}

/** Part of `PATCH /v1/projects/{ref}/config/auth`. null resets a setting. */
export const UpdateMailBody = z
  .object(Object.fromEntries(Object.entries(mailFields).map(([name, schema]) => [name, schema.nullish()])))
  .transform((mail) => ({ mail }))

/** Part of `GET /v1/projects/{ref}/config/auth`. The password is shown by its SHA-256. */
export type MailConfig = Readonly<Record<string, boolean | string | null>>
