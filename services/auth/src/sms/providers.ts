import type { SmsProviderName } from '@favo/projects'
import type { OutboundReply } from '../outbound/outbound.ts'

export interface SmsMessage {
  /** Digits alone, without the plus. */
  readonly phone: string
  readonly text: string
  readonly code: string
  readonly channel: 'sms' | 'whatsapp'
}

/** One provider: what it needs, what it is sent, and how its answer is read. Facts of auth internal/api/sms_provider@bc32168. */
interface SmsProvider {
  readonly credentials: readonly string[]
  readonly channels: readonly SmsMessage['channel'][]
  request(
    message: SmsMessage,
    credentials: Readonly<Record<string, string>>,
  ): { readonly url: string; readonly authorization?: string; readonly form: Record<string, string> }
  /** Null when the message was taken; else why not. */
  problem(status: number, reply: Reply): string | null
}

/** Whatever a provider may answer. */
interface Reply {
  readonly status?: unknown
  readonly message?: unknown
  readonly error_message?: unknown
  readonly recipients?: { readonly totalSentCount?: unknown }
  readonly errors?: readonly { readonly description?: unknown; readonly message?: unknown }[]
  readonly messages?: readonly { readonly status?: unknown; readonly 'error-text'?: unknown }[]
}

export const smsProviders: Readonly<Record<Exclude<SmsProviderName, 'local'>, SmsProvider>> = {
  twilio: {
    credentials: ['account_sid', 'auth_token', 'message_service_sid'],
    channels: ['sms', 'whatsapp'],
    request: ({ phone, text, code, channel }, given) => {
      const { account_sid: account = '', message_service_sid: sender = '', content_sid: content = '' } = given
      const isWhatsapp = channel === 'whatsapp'
      const isNumber = /^\+?[1-9][0-9]{1,14}$/.test(sender.replaceAll(' ', ''))
      return {
        url: `https://api.twilio.com/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`,
        authorization: `Basic ${Buffer.from(`${account}:${given.auth_token ?? ''}`).toString('base64')}`,
        form: {
          To: `${isWhatsapp ? 'whatsapp:' : ''}+${phone}`,
          Channel: channel,
          From: isWhatsapp && isNumber ? `whatsapp:${sender}` : sender,
          ...(isWhatsapp && content !== ''
            ? { ContentSid: content, ContentVariables: JSON.stringify({ 1: code }) }
            : { Body: text }),
        },
      }
    },
    problem: (status, reply) => {
      if (status !== 200 && status !== 201)
        return typeof reply.message === 'string' ? reply.message : String(status)
      const isLost = reply.status === 'failed' || reply.status === 'undelivered'
      return isLost ? `twilio error: ${String(reply.error_message)}` : null
    },
  },
  messagebird: {
    credentials: ['access_key', 'originator'],
    channels: ['sms'],
    request: ({ phone, text }, { access_key: key = '', originator = '' }) => ({
      url: 'https://rest.messagebird.com/messages',
      authorization: `AccessKey ${key}`,
      form: { originator, body: text, recipients: phone, type: 'sms', datacoding: 'unicode' },
    }),
    problem: (_status, { errors, recipients }) => {
      if (errors !== undefined) return String(errors[0]?.description)
      const sent = recipients?.totalSentCount
      return typeof sent === 'number' && sent > 0 ? null : 'messagebird error: total sent count is 0'
    },
  },
  vonage: {
    credentials: ['api_key', 'api_secret', 'from'],
    channels: ['sms'],
    request: ({ phone, text }, { api_key: key = '', api_secret: secret = '', from = '' }) => ({
      url: 'https://rest.nexmo.com/sms/json',
      form: {
        from,
        to: phone,
        text,
        api_key: key,
        api_secret: secret,
        // eslint-disable-next-line no-control-regex -- ASCII is what needs no other alphabet.
        ...(/^[\x00-\x7f]*$/.test(text) ? {} : { type: 'unicode' }),
      },
    }),
    problem: (_status, { messages }) => {
      const [first] = messages ?? []
      if (first === undefined) return 'vonage error: Internal Error'
      return first.status === '0'
        ? null
        : `vonage error: ${String(first['error-text'])} (status: ${String(first.status)})`
    },
  },
  textlocal: {
    credentials: ['api_key', 'sender'],
    channels: ['sms'],
    request: ({ phone, text }, { api_key: key = '', sender = '' }) => ({
      url: 'https://api.textlocal.in/send',
      form: { sender, apikey: key, message: text, numbers: phone },
    }),
    problem: (_status, { status, errors }) =>
      status === 'success' ? null : `textlocal error: ${String(errors?.[0]?.message)}`,
  },
}

/** Null when the message was taken; else why not, for the log and the project's users. */
export function findProblem(provider: SmsProvider, { status, body }: OutboundReply): string | null {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return `the provider's answer is not JSON (status ${status})`
  }
  return typeof reply === 'object' && reply !== null
    ? provider.problem(status, reply)
    : `the provider's answer is not an object (status ${status})`
}
