import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { isHookEnabled, runHook } from '../hooks/run-hook.ts'
import { insertSms } from './sms.sql.ts'
import { renderUser } from '../users/render-user.ts'
import type { UserRow } from '../users/user.ts'
import { findProblem, smsProviders } from './providers.ts'

const TIMEOUT_MS = 10_000
const REPLY_BYTES_MAX = 64 * 1024

export interface SmsRequest {
  readonly phone: string
  readonly code: string
  /** `{{ .Code }}` stands for the code. */
  readonly template: string
  readonly channel: string
  /** What a hook is told the message is for; null = nothing. */
  readonly type: 'mfa' | null
}

/** A provider did not take the message, or none is set up. */
export class SmsError extends Error {
  readonly kind: 'notSetUp' | 'notSent'
  constructor(kind: SmsError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SmsError'
    this.kind = kind
  }
}

/** WhatsApp needs a provider that knows it; a hook takes whatever it is given. */
export function isValidChannel(ctx: AuthContext, channel: string): boolean {
  if (isHookEnabled(ctx, 'sendSms') || channel === 'sms') return true
  const { smsProvider } = ctx.settings
  return (
    channel === 'whatsapp' && smsProvider !== 'local' && smsProviders[smsProvider].channels.includes(channel)
  )
}

/**
 * Sends a code to a phone: through the project's hook, its provider, or into its local inbox. Throws SmsError, or what the
 * hook refused.
 */
export async function sendSms(
  ctx: AuthContext,
  db: Queryable,
  user: UserRow,
  request: SmsRequest,
): Promise<void> {
  const { phone, code, channel, type } = request
  const sms = { otp: code, ...(type === null ? {} : { sms_type: type }), phone }
  const isTaken = await runHook(ctx, 'sendSms', { user: renderUser(user), sms }, db === ctx.db ? null : db)
  if (isTaken !== null) return

  const text = request.template.replace(/\{\{-?\s*\.Code\s*-?\}\}/g, code)
  const { smsProvider } = ctx.settings
  if (smsProvider === 'local') {
    await insertSms(db, phone, text)
    return
  }
  const provider = smsProviders[smsProvider]
  const credentials = credentialsOf(ctx.settings.smsCredentials, smsProvider)
  const missing = provider.credentials.find((name) => (credentials[name] ?? '') === '')
  if (missing !== undefined) throw new SmsError('notSetUp', `missing ${smsProvider} ${missing}`)
  const { url, authorization, form } = provider.request(
    { phone, text, code, channel: channel === 'whatsapp' ? 'whatsapp' : 'sms' },
    credentials,
  )
  const reply = await ctx.outbound
    .send({
      url,
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: new URLSearchParams(form).toString(),
      timeoutMs: TIMEOUT_MS,
      replyBytesMax: REPLY_BYTES_MAX,
    })
    .catch((error: unknown) => {
      throw new SmsError('notSent', 'the provider does not answer', { cause: error })
    })
  const problem = findProblem(provider, reply)
  if (problem !== null) throw new SmsError('notSent', problem)
}

/** Each provider's under its own names: projects keep those of several. */
const credentialsOf = (all: Readonly<Record<string, string>>, provider: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      name.startsWith(`${provider}_`) ? [[name.slice(provider.length + 1), value]] : [],
    ),
  )
