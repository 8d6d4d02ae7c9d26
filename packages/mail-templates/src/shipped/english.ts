import type { MailName } from '@favo/contracts'
import type { Words } from './layout.ts'

const code = 'Or enter this code: {{ .Token }}'
const unasked =
  'You did not ask for this? Then there is nothing to do: without the link or the code nothing happens.'
const alarm = 'Was it not you? Then choose a new password at once, and tell those who run {{ .SiteURL }}.'

export const english: Readonly<Record<MailName, Words>> = {
  confirmation: {
    subject: 'Confirm Your Email',
    heading: 'Confirm your email',
    text: ['You signed up at {{ .SiteURL }} with {{ .Email }}. Confirm that this address is yours:'],
    button: 'Confirm my address',
    code,
    note: unasked,
  },
  invite: {
    subject: 'You have been invited',
    heading: 'You have been invited',
    text: ['You have been invited to create an account on {{ .SiteURL }}.'],
    button: 'Accept the invitation',
    code,
    note: 'You do not expect an invitation? Then there is nothing to do.',
  },
  magic_link: {
    subject: 'Your Magic Link',
    heading: 'Sign in',
    text: ['Follow this link to sign in at {{ .SiteURL }}. It works once, and not for long.'],
    button: 'Sign in',
    code,
    note: unasked,
  },
  recovery: {
    subject: 'Reset Your Password',
    heading: 'Reset your password',
    text: ['Somebody, you we hope, asked for a new password of {{ .Email }} at {{ .SiteURL }}.'],
    button: 'Reset my password',
    code,
    note: unasked,
  },
  email_change: {
    subject: 'Confirm Email Change',
    heading: 'Confirm your new email',
    text: ['Confirm that the address of your account changes from {{ .Email }} to {{ .NewEmail }}:'],
    button: 'Confirm the change',
    code,
    note: unasked,
  },
  reauthentication: {
    subject: 'Confirm reauthentication',
    heading: 'Confirm that it is you',
    text: ['Before this change we want to be sure that it is you.'],
    code: 'Enter this code: {{ .Token }}',
    note: unasked,
  },
  password_changed_notification: {
    subject: 'Your password was changed',
    heading: 'Your password was changed',
    text: ['The password of your account {{ .Email }} at {{ .SiteURL }} was changed just now.'],
    note: alarm,
  },
  email_changed_notification: {
    subject: 'Your email address was changed',
    heading: 'Your email address was changed',
    text: ['The address of your account at {{ .SiteURL }} was changed from {{ .OldEmail }} to {{ .Email }}.'],
    note: alarm,
  },
  phone_changed_notification: {
    subject: 'Your phone number was changed',
    heading: 'Your phone number was changed',
    text: [
      'The phone number of your account {{ .Email }} was changed{{ if .OldPhone }} from {{ .OldPhone }}{{ end }} to {{ .Phone }}.',
    ],
    note: alarm,
  },
  identity_linked_notification: {
    subject: 'A new way to sign in was added',
    heading: 'A new way to sign in was added',
    text: ['Your account {{ .Email }} at {{ .SiteURL }} can now be entered with {{ .Provider }} too.'],
    note: alarm,
  },
  identity_unlinked_notification: {
    subject: 'A way to sign in was removed',
    heading: 'A way to sign in was removed',
    text: ['Your account {{ .Email }} at {{ .SiteURL }} can no longer be entered with {{ .Provider }}.'],
    note: alarm,
  },
  mfa_factor_enrolled_notification: {
    subject: 'A second factor was added',
    heading: 'A second factor was added',
    text: ['A second factor ({{ .FactorType }}) was added to your account {{ .Email }} at {{ .SiteURL }}.'],
    note: alarm,
  },
  mfa_factor_unenrolled_notification: {
    subject: 'A second factor was removed',
    heading: 'A second factor was removed',
    text: [
      'A second factor ({{ .FactorType }}) was removed from your account {{ .Email }} at {{ .SiteURL }}.',
    ],
    note: alarm,
  },
}
