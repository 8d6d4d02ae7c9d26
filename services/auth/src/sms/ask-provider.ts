import type { AuthContext } from '../context.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import {
  readReply,
  smsProviders,
  type Credentials,
  type ProviderRequest,
  type SmsMessage,
  type SmsProvider,
} from './providers.ts'

const TIMEOUT_MS = 10_000
const REPLY_BYTES_MAX = 64 * 1024

/** A provider did not take the message, or none is set up. */
export class SmsError extends Error {
  /** `unanswered`: it may be another time. */
  readonly kind: 'notSetUp' | 'notSent' | 'unanswered'
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

/** What asking a provider takes. */
export type ProviderContext = Pick<AuthContext, 'settings' | 'outbound'>

/** Hands the message over. The provider's name of it, or '' where it gave none. Throws SmsError. */
export async function sendByProvider(ctx: ProviderContext, message: SmsMessage): Promise<string> {
  const { provider, credentials } = getProvider(ctx)
  const { status, reply } = await ask(ctx, provider.request(message, credentials))
  const problem = provider.problem(status, reply)
  if (problem !== null) throw new SmsError('notSent', problem)
  const id = provider.messageId(reply)
  return typeof id === 'string' ? id : ''
}

/** Whether the project's provider makes the codes itself, and so none of ours is right. */
export function providerChecksCodes(ctx: AuthContext): boolean {
  const { smsProvider } = ctx.settings
  return (
    smsProvider !== 'local' && smsProviders[smsProvider].check !== undefined && !isHookEnabled(ctx, 'sendSms')
  )
}

/** Asks the provider that made the code. A provider that does not answer knows no right one. */
export async function isCodeRightAtProvider(ctx: AuthContext, phone: string, code: string): Promise<boolean> {
  const { provider, credentials } = getProvider(ctx)
  if (provider.check === undefined) return false
  try {
    const { status, reply } = await ask(ctx, provider.check.request(phone, code, credentials))
    const problem = provider.check.problem(status, reply)
    if (problem !== null) ctx.log.info({ problem }, 'auth code refused by the provider')
    return problem === null
  } catch (error) {
    if (!(error instanceof SmsError)) throw error
    ctx.log.warn({ error }, 'auth code not checked by the provider')
    return false
  }
}

function getProvider({ settings }: ProviderContext): {
  readonly provider: SmsProvider
  readonly credentials: Credentials
} {
  const { smsProvider: name } = settings
  if (name === 'local') throw new SmsError('notSetUp', 'no provider is set up')
  const provider = smsProviders[name]
  const credentials = credentialsOf(settings.smsCredentials, name)
  const missing = provider.credentials.find((member) => (credentials[member] ?? '') === '')
  if (missing !== undefined) throw new SmsError('notSetUp', `missing ${name} ${missing}`)
  return { provider, credentials }
}

/** Each provider's under its own names: projects keep those of several. */
const credentialsOf = (all: Readonly<Record<string, string>>, provider: string): Credentials =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      name.startsWith(`${provider}_`) ? [[name.slice(provider.length + 1), value]] : [],
    ),
  )

async function ask(ctx: ProviderContext, { url, authorization, form }: ProviderRequest) {
  const answer = await ctx.outbound
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
      throw new SmsError('unanswered', 'the provider does not answer', { cause: error })
    })
  const reply = readReply(answer)
  if (typeof reply === 'string') throw new SmsError('notSent', reply)
  return { status: answer.status, reply }
}
