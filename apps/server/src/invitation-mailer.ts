import type { AuthService } from '@favo/auth'
import type { InvitationMail, PlatformMailer } from '@favo/control-plane'

export interface InvitationMailerDeps {
  readonly auth: Pick<AuthService, 'sendNotice'>
  /** The platform project, and a key of it that may do everything. */
  readonly platformProject: () => Promise<{ readonly ref: string; readonly secretKey: string }>
  /** Where this process itself listens. */
  readonly localUrl: string
}

/**
 * Invitations leave through the outbox of the platform project's Auth. Who has no account yet finds the link in the mail
 * that makes one; following it confirms the address.
 */
export const createInvitationMailer = (deps: InvitationMailerDeps): PlatformMailer => ({
  sendInvitation: async (id, mail) => {
    const { ref, secretKey } = await deps.platformProject()
    const link = await createAccountLink(`${deps.localUrl}/p/${ref}`, secretKey, mail.email)
    await deps.auth.sendNotice(ref, { id, ...composeInvitation(mail, link) })
  },
})

/** Null when the address has an account. */
async function createAccountLink(
  projectUrl: string,
  secretKey: string,
  email: string,
): Promise<string | null> {
  const reply = await fetch(`${projectUrl}/auth/v1/admin/generate_link`, {
    method: 'POST',
    headers: { apikey: secretKey, 'content-type': 'application/json' },
    body: JSON.stringify({ type: 'invite', email }),
    signal: AbortSignal.timeout(10_000),
  })
  const body = (await reply.json()) as { action_link?: unknown; error_code?: unknown }
  if (reply.ok && typeof body.action_link === 'string') return body.action_link
  if (body.error_code === 'email_exists') return null
  throw new Error(`Auth gave no link for an account: ${reply.status} ${String(body.error_code)}`)
}

export function composeInvitation(mail: InvitationMail, accountLink: string | null) {
  const role = mail.role.replace('_', '-')
  const until = `${mail.expiresAt.slice(0, 16).replace('T', ' ')} UTC`
  const command = `npx favo invitations accept ${mail.token}`
  const intro = `${mail.invitedBy} invites you to join the organization ${mail.organization} as ${role}.`
  const account = 'You have no account yet. Follow this link to make one:'
  const accept = `Then accept the invitation, until ${until}:`
  return {
    kind: 'organization_invitation',
    recipient: mail.email,
    // A line end in a subject would begin another header.
    subject: `Invitation to ${mail.organization}`.replace(/[\r\n]+/g, ' '),
    text: [
      intro,
      ...(accountLink === null ? [] : [account, accountLink]),
      accept,
      command,
      'Whoever did not expect this can ignore it.',
    ].join('\n\n'),
    html: [
      `<h2>Invitation to ${escapeHtml(mail.organization)}</h2>`,
      `<p>${escapeHtml(intro)}</p>`,
      ...(accountLink === null
        ? []
        : [`<p>${account} <a href="${escapeHtml(accountLink)}">make my account</a></p>`]),
      `<p>${accept}</p>`,
      `<pre>${escapeHtml(command)}</pre>`,
      '<p>Whoever did not expect this can ignore it.</p>',
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
