import type { SmsProviderName } from '@favo/projects'
import type { OutboundReply } from '../outbound/outbound.ts'

export interface SmsMessage {
  /** Digits alone, without the plus. */
  readonly phone: string
  readonly text: string
  readonly code: string
  readonly channel: 'sms' | 'whatsapp'
}

export type Credentials = Readonly<Record<string, string>>

export interface ProviderRequest {
  readonly url: string
  readonly authorization?: string
  readonly form: Record<string, string>
}

/** One provider: what it needs, what it is sent, and how its answer is read. Facts of auth internal/api/sms_provider@bc32168. */
export interface SmsProvider {
  readonly credentials: readonly string[]
  readonly channels: readonly SmsMessage['channel'][]
  request(message: SmsMessage, credentials: Credentials): ProviderRequest
  /** Null when the message was taken; else why not. */
  problem(status: number, reply: Reply): string | null
  /** What the provider calls the message. */
  messageId(reply: Reply): unknown
  /** Where the provider makes the codes, and so is the one that knows whether one is right. */
  readonly check?: {
    request(phone: string, code: string, credentials: Credentials): ProviderRequest
    problem(status: number, reply: Reply): string | null
  }
}

/** Whatever a provider may answer. */
interface Reply {
  readonly id?: unknown
  readonly sid?: unknown
  readonly status?: unknown
  readonly valid?: unknown
  readonly message?: unknown
  readonly more_info?: unknown
  readonly error_code?: unknown
  readonly error_message?: unknown
  readonly recipients?: { readonly totalSentCount?: unknown }
  readonly errors?: readonly {
    readonly code?: unknown
    readonly description?: unknown
    readonly message?: unknown
  }[]
  readonly messages?: readonly {
    readonly id?: unknown
    readonly status?: unknown
    readonly 'error-text'?: unknown
    readonly 'message-id'?: unknown
  }[]
}

const isCreated = (status: number) => status === 200 || status === 201
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const twilioProblem = (status: number, { message, more_info: info }: Reply): string =>
  typeof message === 'string' ? `${message} More information: ${text(info)}` : String(status)
const text = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

const verifyService = ({ message_service_sid: service = '' }: Credentials, path: string) =>
  `https://verify.twilio.com/v2/Services/${encodeURIComponent(service)}/${path}`

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
        authorization: basic(account, given.auth_token ?? ''),
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
      if (!isCreated(status)) return twilioProblem(status, reply)
      const isLost = reply.status === 'failed' || reply.status === 'undelivered'
      const { error_message: message, error_code: code, sid } = reply
      return isLost ? `twilio error: ${text(message)} ${text(code)} for message ${text(sid)}` : null
    },
    messageId: ({ sid }) => sid,
  },
  twilio_verify: {
    credentials: ['account_sid', 'auth_token', 'message_service_sid'],
    channels: ['sms', 'whatsapp'],
    request: ({ phone, channel }, given) => ({
      url: verifyService(given, 'Verifications'),
      authorization: basic(given.account_sid ?? '', given.auth_token ?? ''),
      form: { To: `+${phone}`, Channel: channel },
    }),
    problem: (status, reply) => (isCreated(status) ? null : twilioProblem(status, reply)),
    messageId: ({ sid }) => sid,
    check: {
      request: (phone, code, given) => ({
        url: verifyService(given, 'VerificationCheck'),
        authorization: basic(given.account_sid ?? '', given.auth_token ?? ''),
        form: { To: `+${phone}`, Code: code },
      }),
      problem: (status, reply) => {
        if (!isCreated(status)) return twilioProblem(status, reply)
        return reply.status === 'approved' && reply.valid === true
          ? null
          : `twilio verification error: ${text(reply.error_message)} ${text(reply.status)}`
      },
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
      if (errors !== undefined) return text(errors[0]?.description)
      const sent = recipients?.totalSentCount
      return typeof sent === 'number' && sent > 0 ? null : 'messagebird error: total sent count is 0'
    },
    messageId: ({ id }) => id,
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
        : `vonage error: ${text(first['error-text'])} (status: ${text(first.status)}) for message ${text(first['message-id'])}`
    },
    messageId: ({ messages }) => messages?.[0]?.['message-id'],
  },
  textlocal: {
    credentials: ['api_key', 'sender'],
    channels: ['sms'],
    request: ({ phone, text }, { api_key: key = '', sender = '' }) => ({
      url: 'https://api.textlocal.in/send',
      form: { sender, apikey: key, message: text, numbers: phone },
    }),
    problem: (_status, { status, errors, messages }) => {
      if (status === 'success') return null
      const [first] = errors ?? []
      return `textlocal error: ${text(first?.message)} (code: ${text(first?.code)}) message ${text(messages?.[0]?.id)}`
    },
    messageId: ({ messages }) => messages?.[0]?.id,
  },
}

/** What a provider answered, or why that is none. */
export function readReply({ status, body }: OutboundReply): Reply | string {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return `the provider's answer is not JSON (status ${status})`
  }
  return typeof reply === 'object' && reply !== null
    ? reply
    : `the provider's answer is not an object (status ${status})`
}
