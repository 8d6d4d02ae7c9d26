import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { runHook } from '../hooks/run-hook.ts'
import { renderUser } from '../users/render-user.ts'
import type { UserRow } from '../users/user.ts'
import { sendByProvider } from './ask-provider.ts'
import { insertSms } from './sms.sql.ts'

export interface SmsRequest {
  readonly phone: string
  readonly code: string
  /** `{{ .Code }}` stands for the code. */
  readonly template: string
  readonly channel: string
  /** What a hook is told the message is for; null = nothing. */
  readonly type: 'mfa' | null
}

/**
 * Sends a code to a phone: through the project's hook, its provider, or into its local inbox. Gives the provider's name of
 * the message, '' where there is none. Throws SmsError, or what the hook refused.
 *
 * Unlike mails, messages are sent within the request, as in GoTrue: clients are told what the provider says.
 */
export async function sendSms(
  ctx: AuthContext,
  db: Queryable,
  user: UserRow,
  request: SmsRequest,
): Promise<string> {
  const { phone, code, channel, type } = request
  const sms = { otp: code, ...(type === null ? {} : { sms_type: type }), phone }
  const isTaken = await runHook(ctx, 'sendSms', { user: renderUser(user), sms }, db === ctx.db ? null : db)
  if (isTaken !== null) return ''

  const text = request.template.replace(/\{\{-?\s*\.Code\s*-?\}\}/g, code)
  if (ctx.settings.smsProvider === 'local') {
    await insertSms(db, phone, text)
    return ''
  }
  return sendByProvider(ctx, { phone, text, code, channel: channel === 'whatsapp' ? 'whatsapp' : 'sms' })
}
