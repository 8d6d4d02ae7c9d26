import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Refusal } from '../errors.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { errorMessage } from '../protocol/messages.ts'
import { plainAddress } from '../limits/address-range.ts'
import type { Certificate } from './certificate.ts'

/** A connection of a client, which may become an encrypted one underway. */
export class Client {
  socket: Socket
  reader: ByteReader
  readonly address: string
  /** `tls-server-end-point` of the encrypted connection. */
  binding: Buffer | null = null
  /** The name that the client asked for in TLS. */
  serverName: string | null = null

  constructor(socket: Socket) {
    this.socket = socket
    this.address = plainAddress(socket.remoteAddress ?? '')
    socket.setNoDelay(true)
    // A client that vanished without a word must not hold a connection for ever.
    socket.setKeepAlive(true, 30_000)
    socket.on('error', ignore)
    this.reader = new ByteReader(socket)
  }

  get isEncrypted(): boolean {
    return this.binding !== null
  }

  /** Null when the client does not get through the handshake. */
  async encrypt({ context, binding }: Certificate, options: { isDirect: boolean }): Promise<true | null> {
    this.reader.release()
    const plain = this.socket
    const secure = new TLSSocket(plain, {
      isServer: true,
      secureContext: context,
      // Only asked for by clients that begin with TLS at once; those insist on it.
      ...(options.isDirect ? { ALPNProtocols: ['postgresql'] } : {}),
    })
    secure.on('error', ignore)
    this.socket = secure
    const isSecure = await new Promise<boolean>((resolve) => {
      secure.once('secure', () => resolve(true))
      secure.once('close', () => resolve(false))
      plain.once('close', () => resolve(false))
      secure.once('error', () => resolve(false))
    })
    if (!isSecure || (options.isDirect && secure.alpnProtocol !== 'postgresql')) {
      plain.destroy()
      return null
    }
    // Of servers it is there, too, which the types do not know.
    const { servername } = secure as { servername?: unknown }
    this.serverName = typeof servername === 'string' && servername !== '' ? servername : null
    this.binding = binding
    this.reader = new ByteReader(secure)
    return true
  }

  write(bytes: Buffer | string): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** The last word to this client. */
  refuse(refusal: Refusal): void {
    const bytes = errorMessage({ severity: 'FATAL', ...fieldsOf(refusal) })
    if (this.socket.writable) this.socket.end(bytes)
    // Who does not read the end has had his time.
    setTimeout(() => this.socket.destroy(), lingerMs).unref()
  }
}

const fieldsOf = ({ code, message, hint }: Refusal) => ({ code, message, hint })

const lingerMs = 2_000
const ignore = () => undefined
