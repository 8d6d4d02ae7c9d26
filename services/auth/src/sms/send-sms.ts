import type { AuthContext } from '../context.ts'
import { runHook } from '../hooks/run-hook.ts'
import { renderUser } from '../users/render-user.ts'
import type { UserRow } from '../users/user.ts'
import { sendByProvider } from './ask-provider.ts'
import { insertLocalSms } from './sms.sql.ts'

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
 * Sends a code of a second factor: through the project's hook, its provider, or into its local inbox. Throws SmsError, or what
 * the hook refused.
 *
 * Before anything is stored, as in GoTrue: a challenge that a client never heard of could not be met, so after a crash there
 * is nothing to deliver.
 */
export async function sendSms(ctx: AuthContext, user: UserRow, request: SmsRequest): Promise<void> {
  const { phone, code, channel } = request
  if ((await runHook(ctx, 'sendSms', smsHookInput(user, request))) !== null) return
  const text = smsText(request)
  if (ctx.settings.smsProvider === 'local') return void (await insertLocalSms(ctx.db, phone, text))
  await sendByProvider(ctx, { phone, text, code, channel: toChannel(channel) })
}

export const smsText = ({ template, code }: Pick<SmsRequest, 'template' | 'code'>): string =>
  template.replace(/\{\{-?\s*\.Code\s*-?\}\}/g, () => code)

/** Hooks may be asked for any other; a provider knows these two. */
export const toChannel = (channel: string): 'sms' | 'whatsapp' => (channel === 'whatsapp' ? channel : 'sms')

/** What the hook is told of a message. */
export const smsHookInput = (
  user: UserRow,
  { phone, code, type }: Omit<SmsRequest, 'template' | 'channel'>,
) => ({
  user: renderUser(user),
  sms: { otp: code, ...(type === null ? {} : { sms_type: type }), phone },
})
