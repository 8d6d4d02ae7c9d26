import { createTransport } from 'nodemailer'
import type { Outbound } from '../outbound/outbound.ts'
import { isEmail } from '../users/addresses.ts'

const REPLY_BYTES_MAX = 16_384
const CONNECT_TIMEOUT_MS = 10_000
const SILENCE_TIMEOUT_MS = 15_000

export interface MailServer {
  readonly host: string
  readonly port: number
  /** Empty = it asks nobody who they are. */
  readonly user: string
  readonly password: string
  /** Whom mails come from. */
  readonly senderAddress: string
  readonly senderName: string
  /** What we call ourselves. */
  readonly clientName: string
}

export interface OutgoingMail {
  readonly recipient: string
  readonly subject: string
  readonly html: string
  readonly text: string
  /** A UUID; the same in every try. */
  readonly messageId: string
  readonly createdAt: Date
}

/**
 * - `sent`: the server has taken it; from here on it is the server's.
 * - `refused`: this mail will never be taken.
 * - `delayed`: this mail may be taken later.
 * - `unreachable`: no mail can be sent now.
 */
export interface Outcome {
  readonly kind: 'sent' | 'refused' | 'delayed' | 'unreachable'
  /** Why not; empty when sent. */
  readonly error: string
}

export interface SmtpOptions {
  /** Milliseconds for one mail, connection included. */
  readonly sendTimeoutMs: number
  /** Breaks off what is under way. */
  readonly signal?: AbortSignal
  /** Of servers with certificates of their own making, in PEM; beside the usual ones. */
  readonly certificateAuthorities?: readonly string[]
}

/**
 * Sends one mail over a connection of its own. The server is of the project's choosing, so it may be anything: it is reached
 * by the rules for outgoing calls, its replies are bounded, and no time is its own.
 *
 * As GoTrue's library, port 465 speaks TLS from the start and others are asked for it; a password goes over TLS only, but on
 * this machine. Never throws.
 */
export async function sendMail(
  outbound: Outbound,
  server: MailServer,
  mail: OutgoingMail,
  { sendTimeoutMs, signal, certificateAuthorities }: SmtpOptions,
): Promise<Outcome> {
  if (!isEmail(mail.recipient)) return { kind: 'refused', error: 'the recipient is not an address' }
  const socket = await outbound
    .connect({ host: server.host, port: server.port, timeoutMs: Math.min(CONNECT_TIMEOUT_MS, sendTimeoutMs) })
    .catch((error: unknown) => explain(error))
  if (typeof socket === 'string') return { kind: 'unreachable', error: socket }

  const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(server.host)
  const transport = createTransport({
    host: server.host,
    port: server.port,
    connection: socket,
    secure: server.port === 465,
    requireTLS: server.port !== 465 && server.user !== '' && !isLocal,
    name: server.clientName,
    ...(server.user === '' ? {} : { auth: { user: server.user, pass: server.password } }),
    ...(certificateAuthorities === undefined ? {} : { tls: { ca: [...certificateAuthorities] } }),
    greetingTimeout: SILENCE_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    socketCloseTimeout: 1_000,
    maxResponseSize: REPLY_BYTES_MAX,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // A server that says a little now and then never falls silent.
  let deadline: NodeJS.Timeout | undefined
  let breakOff = () => undefined as void
  const tooLong = new Promise<never>((_fulfil, reject) => {
    deadline = setTimeout(() => reject(new Error('it took too long')), sendTimeoutMs)
    breakOff = () => reject(new Error('the platform stopped meanwhile'))
    signal?.addEventListener('abort', breakOff)
  })
  try {
    const sending = transport.sendMail({
      from: { name: server.senderName, address: server.senderAddress },
      to: { name: '', address: mail.recipient },
      envelope: { from: server.senderAddress, to: [mail.recipient] },
      subject: mail.subject,
      html: mail.html,
      text: mail.text,
      messageId: `<${mail.messageId}@${server.senderAddress.split('@').at(-1) ?? server.clientName}>`,
      date: mail.createdAt,
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    await Promise.race([sending, tooLong])
    return { kind: 'sent', error: '' }
  } catch (error) {
    return judge(error)
  } finally {
    clearTimeout(deadline)
    signal?.removeEventListener('abort', breakOff)
    transport.close()
    socket.destroy()
  }
}

/** Only what the server says of this recipient, or of this text, is about this mail. */
function judge(error: unknown): Outcome {
  const { responseCode, command } = error as { responseCode?: unknown; command?: unknown }
  const isOfMail = command === 'RCPT TO' || command === 'DATA'
  const kind =
    !isOfMail || typeof responseCode !== 'number' ? 'unreachable' : responseCode < 500 ? 'delayed' : 'refused'
  return { kind, error: explain(error) }
}

const explain = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error))
    // eslint-disable-next-line no-control-regex -- what a server says is shown
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .slice(0, 300)
