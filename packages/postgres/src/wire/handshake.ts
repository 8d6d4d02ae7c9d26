/** Opens a connection up to its first ReadyForQuery: TLS if wanted, start-up packet, password. */
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { ConnectionError } from '../types.ts'
import { readCString, readError } from './decode.ts'
import { socketAddress, type Endpoint } from './endpoint.ts'
import { backend, Framing } from './framing.ts'
import { startScram, type ScramExchange, type ScramKeys } from './scram.ts'

export interface LoginOptions {
  readonly endpoint: Endpoint
  readonly user: string
  /** Or the keys that a client's proof has shown. */
  readonly password: string | ScramKeys
  readonly database: string
  /** Settings in the start-up packet; they are what RESET ALL returns to. */
  readonly settings?: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface Session {
  readonly socket: Socket
  readonly processId: number
  readonly secretKey: Buffer
  /** What the server has reported of its settings (ParameterStatus), in its order. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Rejects with the server's DatabaseError, or with ConnectionError `unavailable`. */
export function openSession(options: LoginOptions): Promise<Session> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      ...socketAddress(options.endpoint),
      noDelay: true,
      // A server that vanished without a word must not be waited for for ever.
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
    })
    let active: Socket = socket
    const timer = setTimeout(() => fail(new Error('the server did not answer in time')), options.timeoutMs)
    let isSettled = false
    const fail = (error: Error): void => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      active.destroy()
      socket.destroy()
      const isOurs = error.name === 'DatabaseError'
      reject(
        isOurs
          ? error
          : new ConnectionError('unavailable', `cannot connect: ${error.message}`, { cause: error }),
      )
    }
    const onClose = (): void => fail(new Error('the server closed the connection'))
    const succeed = (session: Session): void => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      for (const watched of [socket, session.socket]) watched.off('error', fail).off('close', onClose)
      resolve(session)
    }
    const watch = (watched: Socket): void => {
      watched.on('error', fail).on('close', onClose)
    }
    watch(socket)
    socket.once('connect', () => {
      const { tls } = options.endpoint
      if (tls === undefined) return login(socket, options, fail, succeed)
      upgradeToTls(socket, options.endpoint.host, tls, fail, (secure) => {
        active = secure
        watch(secure)
        login(secure, options, fail, succeed)
      })
    })
  })
}

function upgradeToTls(
  socket: Socket,
  host: string,
  options: ConnectionOptions,
  fail: (error: Error) => void,
  done: (secure: Socket) => void,
): void {
  socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]))
  socket.once('data', (answer) => {
    // Exactly one byte: anything more was injected before the encryption began (CVE-2021-23222).
    if (answer.length !== 1 || answer[0] !== 0x53) return fail(new Error('the server does not offer TLS'))
    const secure = connectTls({ host, ...options, socket }, () => done(secure))
    secure.once('error', fail)
  })
}

function login(
  socket: Socket,
  options: LoginOptions,
  fail: (error: Error) => void,
  succeed: (session: Session) => void,
): void {
  let processId = 0
  let secretKey = Buffer.alloc(4)
  const parameters = new Map<string, string>()
  const authenticate = passwordDialogue(socket, options)
  const framing = new Framing((type, chunk, start, end) => {
    switch (type) {
      case backend.authentication:
        authenticate(chunk.readInt32BE(start), chunk.subarray(start + 4, end)).catch(fail)
        break
      case backend.backendKeyData:
        processId = chunk.readInt32BE(start)
        secretKey = Buffer.from(chunk.subarray(start + 4, end))
        break
      case backend.errorResponse:
        fail(readError(chunk, start, null))
        break
      case backend.readyForQuery:
        socket.removeListener('data', onData)
        succeed({ socket, processId, secretKey, parameters })
        break
      case backend.parameterStatus: {
        const name = readCString(chunk, start)
        parameters.set(name, readCString(chunk, chunk.indexOf(0, start) + 1))
        break
      }
      default: // Notices and what later protocol versions add.
    }
  })
  const onData = (chunk: Buffer): void => {
    try {
      framing.push(chunk)
    } catch (error) {
      fail(error as Error)
    }
  }
  socket.on('data', onData)
  socket.write(startupPacket(options))
}

function startupPacket({ user, database, settings = {} }: LoginOptions): Buffer {
  const pairs = Object.entries({ user, database, client_encoding: 'UTF8', ...settings })
  const body = Buffer.from(`${pairs.map(([name, value]) => `${name}\0${value}\0`).join('')}\0`)
  const head = Buffer.alloc(8)
  head.writeInt32BE(body.length + 8, 0)
  head.writeInt32BE(196_608, 4) // Protocol 3.0.
  return Buffer.concat([head, body])
}

/** Answers Authentication requests. SCRAM-SHA-256 only: MD5 and clear text would hand the password to whoever answers. */
function passwordDialogue(socket: Socket, { password }: LoginOptions) {
  let scram: ScramExchange | null = null
  let isVerified = false
  const send = (body: Buffer): void => {
    const head = Buffer.from([0x70, 0, 0, 0, 0])
    head.writeInt32BE(body.length + 4, 1)
    socket.write(Buffer.concat([head, body]))
  }
  return async (request: number, data: Buffer): Promise<void> => {
    switch (request) {
      case 0:
        if (scram !== null && !isVerified) throw new Error('the server skipped the end of the SCRAM dialogue')
        return
      case 10: {
        if (!data.toString('latin1').split('\0').includes('SCRAM-SHA-256')) break
        scram = startScram(password)
        const first = Buffer.from(scram.first)
        const head = Buffer.from('SCRAM-SHA-256\0\0\0\0\0')
        head.writeInt32BE(first.length, head.length - 4)
        return send(Buffer.concat([head, first]))
      }
      case 11:
        if (scram !== null) return send(Buffer.from(await scram.answer(data.toString())))
        break
      case 12:
        scram?.verify(data.toString())
        isVerified = true
        return
      default:
    }
    throw new Error(`the server asks for an authentication (${request}) that is not supported`)
  }
}
