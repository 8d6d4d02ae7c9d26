import { generateKeyPairSync } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { poll } from '@favo/cluster'
import { selfSignedCertificate } from '@favo/tokens'
import { simpleParser } from 'mailparser'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'

/** What a mail server does with whoever comes. Codes below 500 mean: later. */
export type SmtpBehaviour =
  | { readonly kind: 'accept' }
  /** Answers after so long. */
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'refuseRecipient'; readonly code: number }
  | { readonly kind: 'refuseMessage'; readonly code: number }
  /** Takes the connection and says nothing. */
  | { readonly kind: 'silence' }
  /** A character now and then, never a line. */
  | { readonly kind: 'trickle' }
  /** A reply without end. */
  | { readonly kind: 'flood' }
  /** Takes the connection and breaks it. */
  | { readonly kind: 'hangUp' }

export interface CaughtMail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  readonly from: { readonly name: string; readonly address: string }
  readonly subject: string
  readonly html: string
  readonly text: string
  readonly messageId: string
  readonly headerNames: readonly string[]
  readonly raw: string
  readonly isEncrypted: boolean
  /** Null when nobody signed in. */
  readonly user: string | null
}

/** A real mail server on this machine that keeps what it is given. */
export interface SmtpCatcher {
  readonly port: number
  /** Of its certificate for `localhost`, in PEM; empty without TLS. */
  readonly certificate: string
  readonly mails: readonly CaughtMail[]
  /** Connections so far. */
  connections(): number
  behave(behaviour: SmtpBehaviour): void
  /** Resolves when so many mails have come; throws with what came instead. */
  waitFor(count: number): Promise<readonly CaughtMail[]>
  close(): Promise<void>
}

export interface SmtpCatcherOptions {
  /** Offers STARTTLS, with a certificate of its own making. */
  readonly isEncrypted?: boolean
  /** Wants to know who comes. */
  readonly login?: { readonly user: string; readonly password: string }
  /** 0 unless given. */
  readonly port?: number
}

export async function startSmtpCatcher(options: SmtpCatcherOptions = {}): Promise<SmtpCatcher> {
  const mails: CaughtMail[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let behaviour: SmtpBehaviour = { kind: 'accept' }
  const tls = options.isEncrypted === true ? createCertificate() : null
  const { login } = options

  const smtp = new SMTPServer({
    disabledCommands: [...(tls === null ? ['STARTTLS'] : []), ...(login === undefined ? ['AUTH'] : [])],
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    ...(tls === null ? {} : { key: tls.key, cert: tls.certificate }),
    onAuth: (auth, _session, done) =>
      auth.username === login?.user && auth.password === login?.password
        ? done(null, { user: auth.username })
        : done(new Error('wrong password')),
    onRcptTo: (_address, _session, done) => {
      if (behaviour.kind === 'delay') setTimeout(done, behaviour.ms)
      else if (behaviour.kind === 'refuseRecipient') done(refusal(behaviour.code))
      else done()
    },
    onData: (stream, session, done) => {
      const take = async () => {
        const source = await collect(stream)
        if (behaviour.kind === 'refuseMessage') return done(refusal(behaviour.code))
        mails.push(await read(source, session))
        done()
      }
      // Who breaks off in the middle has sent nothing.
      take().catch((error: unknown) => done(error as Error))
    },
  })
  smtp.on('error', () => undefined)

  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    if (behaviour.kind === 'silence') return
    if (behaviour.kind === 'hangUp') socket.destroy()
    else if (behaviour.kind === 'trickle') trickle(socket)
    else if (behaviour.kind === 'flood') flood(socket)
    else smtp.server.emit('connection', socket)
  })
  await new Promise<void>((listening) => server.listen(options.port ?? 0, '127.0.0.1', listening))

  return {
    port: (server.address() as AddressInfo).port,
    certificate: tls?.certificate ?? '',
    mails,
    connections: () => connections,
    behave: (next) => {
      behaviour = next
    },
    waitFor: async (count) => {
      if (await poll(async () => mails.length >= count, 20_000)) return mails
      throw new Error(`${mails.length} of ${count} mails have come`)
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
      smtp.close()
    },
  }
}

function createCertificate(): { key: string; certificate: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const base64 = selfSignedCertificate(key, 'localhost')
  const lines = base64.match(/.{1,64}/g) ?? []
  return { key, certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n` }
}

const refusal = (responseCode: number) => Object.assign(new Error('not wanted here'), { responseCode })

function trickle(socket: Socket): void {
  const timer = setInterval(() => socket.write('2'), 200)
  socket.on('close', () => clearInterval(timer))
}

function flood(socket: Socket): void {
  const line = `220-${'x'.repeat(1_000)}\r\n`
  const pour = () => {
    while (!socket.destroyed && socket.write(line));
  }
  socket.on('drain', pour)
  pour()
}

async function collect(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function read(source: Buffer, session: SMTPServerSession): Promise<CaughtMail> {
  const mail = await simpleParser(source)
  const [from] = mail.from?.value ?? []
  const { mailFrom, rcptTo } = session.envelope
  return {
    envelope: {
      from: mailFrom === false ? '' : mailFrom.address,
      to: rcptTo.map(({ address }) => address),
    },
    from: { name: from?.name ?? '', address: from?.address ?? '' },
    subject: mail.subject ?? '',
    html: mail.html === false ? '' : (mail.html ?? ''),
    text: mail.text ?? '',
    messageId: mail.messageId ?? '',
    headerNames: mail.headerLines.map(({ key }) => key),
    raw: source.toString('utf8'),
    isEncrypted: session.secure,
    user: typeof session.user === 'string' ? session.user : null,
  }
}
