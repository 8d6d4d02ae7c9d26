import type { MailLanguage, MailName, NotificationName } from '@favo/contracts'

/** Who carries a project's mails, and what they say. Members that are absent are off or empty; the Management API's names stand in brackets. */
export interface MailSettings {
  /** Empty = the project's local inbox holds its mails [smtp_host]. */
  readonly smtpHost?: string
  /** [smtp_port] */
  readonly smtpPort?: number
  /** Empty = the server asks nobody who they are [smtp_user]. */
  readonly smtpUser?: string
  /** [smtp_pass] */
  readonly smtpPassword?: string
  /** Address that mails come from [smtp_admin_email]. */
  readonly smtpAdminEmail?: string
  /** [smtp_sender_name] */
  readonly smtpSenderName?: string
  /** Of mails to users who have not chosen; null = the one that their browser asks for [mailer_language]. */
  readonly mailerLanguage?: MailLanguage | null
  /** In place of what Favo brings [mailer_subjects_<name>]. */
  readonly mailerSubjects?: Readonly<Partial<Record<MailName, string>>>
  /** HTML in the syntax of Go's templates, in place of what Favo brings [mailer_templates_<name>_content]. */
  readonly mailerTemplates?: Readonly<Partial<Record<MailName, string>>>
  /** [mailer_notifications_<name>_enabled] */
  readonly mailerNotifications?: Readonly<Partial<Record<NotificationName, boolean>>>
}

export const defaultMailSettings: Required<MailSettings> = {
  smtpHost: '',
  smtpPort: 587,
  smtpUser: '',
  smtpPassword: '',
  smtpAdminEmail: '',
  smtpSenderName: '',
  mailerLanguage: null,
  mailerSubjects: {},
  mailerTemplates: {},
  mailerNotifications: {},
}
