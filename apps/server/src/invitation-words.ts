import type { MailLanguage } from '@favo/contracts'
import type { InvitationMail } from '@favo/control-plane'

interface Words {
  readonly subject: (organization: string) => string
  /** By Supabase's names for them; others are told as they are. */
  readonly roles: Readonly<Record<string, string>>
  readonly intro: (invitedBy: string, organization: string, role: string) => string
  readonly account: string
  readonly button: string
  readonly accept: (until: string) => string
  readonly note: string
}

const words: Readonly<Record<MailLanguage, Words>> = {
  en: {
    subject: (organization) => `Invitation to ${organization}`,
    roles: { read_only: 'read-only' },
    intro: (invitedBy, organization, role) =>
      `${invitedBy} invites you to join the organization ${organization} as ${role}.`,
    account: 'You have no account yet. Follow this link to make one:',
    button: 'make my account',
    accept: (until) => `Then accept the invitation, until ${until}:`,
    note: 'Whoever did not expect this can ignore it.',
  },
  'pt-BR': {
    subject: (organization) => `Convite para ${organization}`,
    roles: {
      owner: 'proprietário(a)',
      administrator: 'administrador(a)',
      developer: 'desenvolvedor(a)',
      read_only: 'somente leitura',
    },
    intro: (invitedBy, organization, role) =>
      `${invitedBy} convidou você para a organização ${organization}. Seu papel: ${role}.`,
    account: 'Você ainda não tem uma conta. Siga este link para criá-la:',
    button: 'criar minha conta',
    accept: (until) => `Depois, aceite o convite até ${until}:`,
    note: 'Se você não esperava este convite, ignore este e-mail.',
  },
}

/** `accountLink`: where an account is made; null for who has one. */
export function composeInvitation(mail: InvitationMail, accountLink: string | null, language: MailLanguage) {
  const { subject, roles, intro, account, button, accept, note } = words[language]
  const until = `${mail.expiresAt.slice(0, 16).replace('T', ' ')} UTC`
  const command = `npx favo invitations accept ${mail.token}`
  const sentence = intro(mail.invitedBy, mail.organization, roles[mail.role] ?? mail.role)
  const title = subject(mail.organization)
  return {
    kind: 'organization_invitation',
    recipient: mail.email,
    // A line end in a subject would begin another header.
    subject: title.replace(/[\r\n]+/g, ' '),
    text: [
      sentence,
      ...(accountLink === null ? [] : [account, accountLink]),
      accept(until),
      command,
      note,
    ].join('\n\n'),
    html: [
      `<h2>${escapeHtml(title)}</h2>`,
      `<p>${escapeHtml(sentence)}</p>`,
      ...(accountLink === null
        ? []
        : [`<p>${account} <a href="${escapeHtml(accountLink)}">${button}</a></p>`]),
      `<p>${accept(until)}</p>`,
      `<pre>${escapeHtml(command)}</pre>`,
      `<p>${note}</p>`,
    ].join('\n'),
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
}
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
