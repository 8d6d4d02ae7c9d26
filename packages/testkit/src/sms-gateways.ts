import { randomBytes, randomInt } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'

export type SmsGatewayName = 'twilio' | 'twilio_verify' | 'messagebird' | 'vonage' | 'textlocal'

export interface SentSms {
  readonly gateway: SmsGatewayName
  /** Digits. */
  readonly phone: string
  readonly text: string
  readonly channel: string
  readonly form: Readonly<Record<string, string>>
}

export interface SmsGateways {
  /** Their well-known origins, each with where this server stands for it. */
  readonly origins: Readonly<Record<string, string>>
  /** What a project sets to use one of them. */
  credentials(gateway: SmsGatewayName): Readonly<Record<string, string>>
  readonly sent: SentSms[]
  /** The digits of the last message to a phone; fails when there is none. */
  codeOf(phone: string): string
  close(): Promise<void>
}

/** A phone that ends so is refused by every gateway, in its own words. */
export const UNREACHABLE_ENDING = '0000'

interface Ask {
  readonly path: string
  readonly authorization: string
  readonly form: Readonly<Record<string, string>>
}
interface Answer {
  readonly status: number
  readonly body: object
}

/**
 * The gateways by which codes reach phones, over HTTP: they check who asks, and refuse in each one's own form, as their
 * manuals have it.
 */
export async function startSmsGateways(): Promise<SmsGateways> {
  const secret = randomBytes(12).toString('hex')
  const sent: SentSms[] = []
  const verifications = new Map<string, string>()
  const answer = createAnswers(secret, sent, verifications)
  const server = createServer((request, reply) => {
    void readAsk(request).then((ask) => {
      const { status, body } = answer(ask)
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
  return {
    origins: {
      'https://api.twilio.com': url,
      'https://verify.twilio.com': url,
      'https://rest.messagebird.com': url,
      'https://rest.nexmo.com': url,
      'https://api.textlocal.in': url,
    },
    credentials: (gateway) => credentialsOf(gateway, secret),
    sent,
    codeOf: (phone) => {
      const last = sent.findLast((message) => message.phone === phone)
      const code = /\d{4,}/.exec(last?.text ?? '')?.[0]
      if (code === undefined) throw new Error(`no message to ${phone}`)
      return code
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function readAsk(request: IncomingMessage): Promise<Ask> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return {
    path: request.url ?? '',
    authorization: request.headers.authorization ?? '',
    form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
  }
}

const ACCOUNT = 'AC00000000000000000000000000000001'
const SERVICE = 'VA00000000000000000000000000000001'

function credentialsOf(gateway: SmsGatewayName, secret: string): Record<string, string> {
  switch (gateway) {
    case 'twilio':
      return {
        twilio_account_sid: ACCOUNT,
        twilio_auth_token: secret,
        twilio_message_service_sid: 'MG00000000000000000000000000000001',
      }
    case 'twilio_verify':
      return {
        twilio_verify_account_sid: ACCOUNT,
        twilio_verify_auth_token: secret,
        twilio_verify_message_service_sid: SERVICE,
      }
    case 'messagebird':
      return { messagebird_access_key: secret, messagebird_originator: 'Acme' }
    case 'vonage':
      return { vonage_api_key: 'key', vonage_api_secret: secret, vonage_from: 'Acme' }
    case 'textlocal':
      return { textlocal_api_key: secret, textlocal_sender: 'Acme' }
  }
}

function createAnswers(secret: string, sent: SentSms[], verifications: Map<string, string>) {
  const basic = `Basic ${Buffer.from(`${ACCOUNT}:${secret}`).toString('base64')}`
  const twilioError = (status: number, code: number, message: string): Answer => ({
    status,
    body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
  })
  const isReachable = (phone: string) => !phone.endsWith(UNREACHABLE_ENDING)
  const note = (gateway: SmsGatewayName, phone: string, text: string, form: Ask['form'], channel = 'sms') =>
    sent.push({ gateway, phone, text, channel, form })

  const twilio = ({ authorization, form }: Ask): Answer => {
    if (authorization !== basic) return twilioError(401, 20003, 'Authenticate')
    const { To: to = '', Body: text = form.ContentVariables ?? '' } = form
    const phone = to.replace(/^(?:whatsapp:)?\+/, '')
    if (!isReachable(phone))
      return twilioError(400, 21211, `The 'To' number ${to} is not a valid phone number.`)
    note('twilio', phone, text, form, to.startsWith('whatsapp:') ? 'whatsapp' : 'sms')
    return { status: 201, body: { sid: 'SM1', status: 'queued', error_code: null, error_message: null } }
  }
  const verification = ({ authorization, form }: Ask): Answer => {
    if (authorization !== basic) return twilioError(401, 20003, 'Authenticate')
    const { To: to = '', Channel: channel = '' } = form
    const phone = to.replace(/^\+/, '')
    if (!isReachable(phone)) return twilioError(400, 60200, 'Invalid parameter `To`')
    const code = String(randomInt(100_000, 1_000_000))
    verifications.set(phone, code)
    note('twilio_verify', phone, `Your code is ${code}`, form, channel)
    return { status: 201, body: { sid: 'VE1', to, channel, status: 'pending', valid: false } }
  }
  const check = ({ authorization, form }: Ask): Answer => {
    if (authorization !== basic) return twilioError(401, 20003, 'Authenticate')
    const phone = (form.To ?? '').replace(/^\+/, '')
    const code = verifications.get(phone)
    if (code === undefined)
      return twilioError(404, 20404, 'The requested resource VerificationCheck was not found')
    const isRight = code === form.Code
    if (isRight) verifications.delete(phone)
    return { status: 200, body: { status: isRight ? 'approved' : 'pending', valid: isRight } }
  }
  const messagebird = ({ authorization, form }: Ask): Answer => {
    const refuse = (status: number, code: number, description: string, parameter: string): Answer => ({
      status,
      body: { errors: [{ code, description, parameter }] },
    })
    if (authorization !== `AccessKey ${secret}`)
      return refuse(401, 2, 'Request not allowed (incorrect access_key)', 'access_key')
    const { recipients: phone = '', body: text = '' } = form
    if (!isReachable(phone)) return refuse(422, 9, 'no (correct) recipients found', 'recipients')
    note('messagebird', phone, text, form)
    return { status: 201, body: { id: 'mb1', recipients: { totalSentCount: 1 } } }
  }
  const vonage = ({ form }: Ask): Answer => {
    const refuse = (status: string, error: string): Answer => ({
      status: 200,
      body: { 'message-count': '1', messages: [{ status, 'error-text': error }] },
    })
    if (form.api_key !== 'key' || form.api_secret !== secret) return refuse('4', 'Bad Credentials')
    const { to: phone = '', text = '' } = form
    if (!isReachable(phone)) return refuse('3', 'Invalid to address')
    note('vonage', phone, text, form)
    return { status: 200, body: { messages: [{ to: phone, 'message-id': 'vo1', status: '0' }] } }
  }
  const textlocal = ({ form }: Ask): Answer => {
    const refuse = (code: number, message: string): Answer => ({
      status: 200,
      body: { errors: [{ code, message }], status: 'failure' },
    })
    if (form.apikey !== secret) return refuse(3, 'Invalid login details')
    const { numbers: phone = '', message: text = '' } = form
    if (!isReachable(phone)) return refuse(51, 'No valid numbers specified')
    note('textlocal', phone, text, form)
    return { status: 200, body: { status: 'success', messages: [{ id: 'tl1', recipient: phone }] } }
  }

  const byPath: Readonly<Record<string, (ask: Ask) => Answer>> = {
    [`/2010-04-01/Accounts/${ACCOUNT}/Messages.json`]: twilio,
    [`/v2/Services/${SERVICE}/Verifications`]: verification,
    [`/v2/Services/${SERVICE}/VerificationCheck`]: check,
    '/messages': messagebird,
    '/sms/json': vonage,
    '/send': textlocal,
  }
  return (ask: Ask): Answer => byPath[ask.path]?.(ask) ?? { status: 404, body: {} }
}
