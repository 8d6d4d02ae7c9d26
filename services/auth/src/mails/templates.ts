/** Which mail, by the action that it asks for. */
export type MailKind = 'signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'reauthentication'

export interface MailTemplate {
  readonly subject: string
  readonly html: string
}

const action = (heading: string, words: string, link: string) => `<h2>${heading}</h2>

<p>${words}</p>
<p><a href="{{ .ConfirmationURL }}">${link}</a></p>
<p>Or enter this code: {{ .Token }}</p>
`

/** In the syntax of Go's templates, as far as mails use it: variables. Subjects are GoTrue's. */
export const mailTemplates: Readonly<Record<MailKind, MailTemplate>> = {
  signup: {
    subject: 'Confirm Your Email',
    html: action('Confirm your email', 'Follow this link to confirm your address:', 'Confirm my address'),
  },
  invite: {
    subject: 'You have been invited',
    html: action(
      'You have been invited',
      'You have been invited to create an account on {{ .SiteURL }}. Follow this link to accept:',
      'Accept the invitation',
    ),
  },
  magiclink: {
    subject: 'Your Magic Link',
    html: action('Sign in', 'Follow this link to sign in:', 'Sign in'),
  },
  recovery: {
    subject: 'Reset Your Password',
    html: action('Reset your password', 'Follow this link to choose a new password:', 'Reset my password'),
  },
  email_change: {
    subject: 'Confirm Email Change',
    html: action(
      'Confirm your new email',
      'Follow this link to confirm the change of your address from {{ .Email }} to {{ .NewEmail }}:',
      'Confirm the change',
    ),
  },
  reauthentication: {
    subject: 'Confirm reauthentication',
    html: '<h2>Confirm that it is you</h2>\n\n<p>Enter this code: {{ .Token }}</p>\n',
  },
}
