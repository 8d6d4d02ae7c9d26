import type { MailName } from '@favo/contracts'
import { chooseLanguage, renderMail, type MailVariables } from '@favo/mail-templates'
import type { AuthContext } from '../context.ts'
import type { Json } from '../users/user.ts'

/** A mail that asks for an action, by that action; or one that tells of a change, by its template. */
export type ActionKind = 'signup' | 'invite' | 'magiclink' | 'recovery' | 'email_change' | 'reauthentication'
export type MailKind = ActionKind | Extract<MailName, `${string}_notification`>

export interface Mail {
  readonly kind: MailKind
  readonly recipient: string
  readonly subject: string
  readonly html: string
  readonly text: string
  /** False where the project's inbox holds it. */
  readonly isOutgoing: boolean
  /** What the project's hook is asked to send instead. */
  readonly hookInput?: object
}

const nameOf = (kind: MailKind): MailName =>
  kind === 'signup' ? 'confirmation' : kind === 'magiclink' ? 'magic_link' : kind

export const hasMailServer = ({ settings }: Pick<AuthContext, 'settings'>): boolean =>
  settings.smtpHost !== ''

/**
 * A mail in the words of the project, ready to be stored with what it is about. To be called before the statement that stores
 * it: by its end the outbox knows that something may come.
 */
export async function composeMail(
  ctx: AuthContext,
  kind: MailKind,
  recipient: string,
  metadata: Json,
  variables: Omit<MailVariables, 'SiteURL' | 'Data' | 'Language'>,
): Promise<Mail> {
  const name = nameOf(kind)
  const { settings } = ctx
  const { problem, ...mail } = renderMail(
    name,
    { subject: settings.mailerSubjects[name], content: settings.mailerTemplates[name] },
    {
      ...variables,
      SiteURL: settings.siteUrl,
      Data: metadata,
      Language: chooseLanguage({
        metadata,
        project: settings.mailerLanguage,
        acceptLanguage: ctx.acceptLanguage,
      }),
    },
  )
  if (problem !== null) ctx.log.warn({ mail: name, problem }, 'a mail template failed; ours took its place')
  const isOutgoing = hasMailServer(ctx)
  if (isOutgoing) await ctx.outbox.announce()
  return { ...mail, kind, recipient, isOutgoing }
}

/** Where a mail's link goes. Made of the project's own address, never of the request's Host. */
export function verifyLink(issuer: string, tokenHash: string, type: string, redirectTo: string): string {
  const query = new URLSearchParams({ token: tokenHash, type, redirect_to: redirectTo })
  return `${issuer}/verify?${query.toString()}`
}
