import type { AuthService } from '@favo/auth'
import type { MailLanguage } from '@favo/contracts'
import type { PlatformMailer } from '@favo/control-plane'
import { chooseLanguage } from '@favo/mail-templates'
import { composeInvitation } from './invitation-words.ts'

export interface InvitationMailerDeps {
  readonly auth: Pick<AuthService, 'sendNotice'>
  /** The platform project, and a key of it that may do everything. */
  readonly platformProject: () => Promise<{ readonly ref: string; readonly secretKey: string }>
  /** What a project's mails speak; null when it leaves that to their readers. */
  readonly languageOf: (ref: string) => Promise<MailLanguage | null>
  /** Where this process itself listens. */
  readonly localUrl: string
}

/**
 * Invitations leave through the outbox of the platform project's Auth. Who has no account yet finds the link in the mail
 * that makes one; following it confirms the address. They speak the language of who has an account, of the platform project's
 * mails, or of who invites.
 */
export const createInvitationMailer = (deps: InvitationMailerDeps): PlatformMailer => ({
  sendInvitation: async (id, mail) => {
    const { ref, secretKey } = await deps.platformProject()
    const ask = createAsk(`${deps.localUrl}/p/${ref}/auth/v1`, secretKey)
    const link = await createAccountLink(ask, mail.email)
    const language = chooseLanguage({
      metadata: link === null ? await findMetadata(ask, mail.email) : {},
      project: await deps.languageOf(ref),
      // Invitations of an earlier version, still waiting, do not have it.
      acceptLanguage: mail.acceptLanguage ?? null,
    })
    await deps.auth.sendNotice(ref, { id, ...composeInvitation(mail, link, language) })
  },
})

type Ask = (
  method: string,
  path: string,
  body?: object,
) => Promise<{ ok: boolean; status: number; body: unknown }>

const createAsk =
  (url: string, secretKey: string): Ask =>
  async (method, path, body) => {
    const reply = await fetch(url + path, {
      method,
      headers: { apikey: secretKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    return { ok: reply.ok, status: reply.status, body: await reply.json() }
  }

/** Null when the address has an account. */
async function createAccountLink(ask: Ask, email: string): Promise<string | null> {
  const reply = await ask('POST', '/admin/generate_link', { type: 'invite', email })
  const body = reply.body as { action_link?: unknown; error_code?: unknown }
  if (reply.ok && typeof body.action_link === 'string') return body.action_link
  if (body.error_code === 'email_exists') return null
  throw new Error(`Auth gave no link for an account: ${reply.status} ${String(body.error_code)}`)
}

/** What is known of somebody, the language among it. */
async function findMetadata(ask: Ask, email: string): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await ask('GET', `/admin/users?filter=${encodeURIComponent(email)}`)
  const { users = [] } = body as { users?: { email?: string; user_metadata?: Record<string, unknown> }[] }
  return users.find((user) => user.email === email.toLowerCase())?.user_metadata ?? {}
}
