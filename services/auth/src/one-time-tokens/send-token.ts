import { randomUUID } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import type { Actor, AuditAction } from '../audit/audit.sql.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { sendByHook } from '../hooks/send-email-hook.ts'
import { composeMail, verifyLink, type ActionKind, type Mail } from '../mails/compose-mail.ts'
import type { Json } from '../users/user.ts'
import { createOtp, hashOtp, PKCE_PREFIX } from './one-time-token.ts'
import { issueEmailChange, issueToken, type TokenType } from './one-time-tokens.sql.ts'

/** Who gets a mail. For an address without an account, somebody with an id that nobody has: the work is the same. */
export interface Addressee {
  readonly id: string
  readonly email: string
  readonly raw_user_meta_data: Json | null
}

/** Somebody for an address without an account: every statement runs, and none finds a row. */
export const stranger = (email: string) => ({
  id: randomUUID(),
  email,
  phone: null,
  is_sso_user: false,
  raw_user_meta_data: null,
})

export interface MailRequest {
  readonly kind: Exclude<ActionKind, 'email_change'>
  readonly isPkce: boolean
  readonly redirectTo: string
  readonly audit: { readonly action: AuditAction; readonly actor: Actor } | null
}

const tokenTypes: Readonly<Record<MailRequest['kind'], TokenType>> = {
  signup: 'confirmation_token',
  invite: 'confirmation_token',
  magiclink: 'recovery_token',
  recovery: 'recovery_token',
  reauthentication: 'reauthentication_token',
}

/** Throws over_email_send_rate_limit when this address asked a moment ago, whether it has an account or not. */
export function checkFrequency(ctx: AuthContext, kind: string, email: string): void {
  const left = ctx.asks.take(`${ctx.project.ref} ${kind} ${email}`, ctx.settings.mailMaxFrequencySeconds)
  if (left !== null) throw authErrors.overEmailFrequency(left)
  // Those that stay in the inbox cost nothing; as in GoTrue, none is counted where addresses need no confirmation.
  const leaves = (ctx.settings.smtpHost ?? '') !== '' || isHookEnabled(ctx, 'sendEmail')
  if (leaves && !ctx.settings.mailerAutoconfirm) ctx.limits.takeMail()
}

/**
 * Mails a link and a code. The mail is part of the caller's transaction: it leaves exactly if the token is stored. Unlike
 * GoTrue, which talks to the mail server in between.
 */
export async function sendToken(
  ctx: AuthContext,
  tx: Queryable,
  to: Addressee,
  request: MailRequest,
): Promise<void> {
  const { kind, isPkce, redirectTo } = request
  const { otp, hash } = newToken(ctx, to.email, isPkce)
  const isInvitation = kind === 'invite'
  const isHooked = isHookEnabled(ctx, 'sendEmail')
  const isIssued = await issueToken(tx, {
    userId: to.id,
    type: tokenTypes[kind],
    hash,
    relatesTo: to.email,
    notWithinSeconds: isInvitation ? 0 : ctx.settings.mailMaxFrequencySeconds,
    isInvitation,
    mail: isHooked ? null : await compose(ctx, kind, to, to.email, { otp, hash, redirectTo, newEmail: '' }),
    audit: request.audit,
  })
  if (isHooked && isIssued)
    await sendByHook(ctx, tx, { userId: to.id, kind, redirectTo, token: otp, tokenHash: hash })
  ctx.guesses.forget(guessKey(ctx, to.email))
}

export interface NewToken {
  readonly otp: string
  readonly hash: string
}

export function newToken(ctx: AuthContext, address: string, isPkce: boolean): NewToken {
  const otp = createOtp(ctx.settings.mailerOtpLength)
  return { otp, hash: (isPkce ? PKCE_PREFIX : '') + hashOtp(address, otp) }
}

export const guessKey = (ctx: AuthContext, email: string): string => `${ctx.project.ref} ${email}`

/** Asks at the new address, and at the old one where the project wants both to agree. */
export async function sendEmailChange(
  ctx: AuthContext,
  tx: Queryable,
  user: Addressee,
  newEmail: string,
  { isPkce, redirectTo }: { readonly isPkce: boolean; readonly redirectTo: string },
): Promise<void> {
  const atNew = newToken(ctx, newEmail, isPkce)
  const asksBoth = ctx.settings.mailerSecureEmailChangeEnabled && user.email !== ''
  const atOld = asksBoth ? newToken(ctx, user.email, isPkce) : null
  const mail = (recipient: string, token: NewToken) =>
    compose(ctx, 'email_change', user, recipient, { ...token, redirectTo, newEmail })
  const isHooked = isHookEnabled(ctx, 'sendEmail')
  const isIssued = await issueEmailChange(tx, {
    userId: user.id,
    newEmail,
    newHash: atNew.hash,
    newMail: isHooked ? null : await mail(newEmail, atNew),
    current:
      atOld === null
        ? null
        : { email: user.email, hash: atOld.hash, mail: isHooked ? null : await mail(user.email, atOld) },
    notWithinSeconds: ctx.settings.mailMaxFrequencySeconds,
  })
  if (!isIssued) throw authErrors.overEmailFrequency(ctx.settings.mailMaxFrequencySeconds)
  if (isHooked)
    await sendByHook(ctx, tx, {
      userId: user.id,
      kind: 'email_change',
      redirectTo,
      token: (atOld ?? atNew).otp,
      tokenHash: atNew.hash,
      ...(atOld === null ? {} : { tokenNew: atNew.otp, tokenHashNew: atOld.hash }),
    })
  ctx.guesses.forget(guessKey(ctx, newEmail))
  ctx.guesses.forget(guessKey(ctx, user.email))
}

function compose(
  ctx: AuthContext,
  kind: ActionKind,
  user: Addressee,
  recipient: string,
  about: { otp: string; hash: string; redirectTo: string; newEmail: string },
): Promise<Mail> {
  return composeMail(ctx, kind, recipient, user.raw_user_meta_data ?? {}, {
    ConfirmationURL: verifyLink(ctx.issuer, about.hash, kind, about.redirectTo),
    Token: about.otp,
    TokenHash: about.hash,
    RedirectTo: about.redirectTo,
    Email: user.email,
    NewEmail: about.newEmail,
    SendingTo: recipient,
  })
}
