import { createHmac, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { cstring, int32 } from '../src/protocol/messages.ts'

/** Bytes to a port and back, for what no well-behaved client sends. */
export class RawClient {
  socket: Socket
  #received = Buffer.alloc(0)
  #wake: (() => void) | null = null
  isClosed = false

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.#listen()
  }

  #listen(): void {
    this.socket.on('error', () => undefined)
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake?.()
    })
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake?.()
    })
  }

  async encrypt(servername: string): Promise<void> {
    this.socket.removeAllListeners('data')
    const secure = connectTls({ socket: this.socket, servername, rejectUnauthorized: false })
    await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
    this.socket = secure
    this.#listen()
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes)
  }

  /** What has come, when there is at least that much or the connection has ended. */
  async take(length: number): Promise<Buffer> {
    while (this.#received.length < length && !this.isClosed)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  async message(): Promise<{ type: string; body: Buffer }> {
    const head = await this.take(5)
    if (head.length < 5) return { type: '', body: Buffer.alloc(0) }
    return { type: head.toString('latin1', 0, 1), body: await this.take(head.readInt32BE(1) - 4) }
  }

  /** All that comes until the server ends the connection. */
  async rest(): Promise<string> {
    while (!this.isClosed) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#received.toString('latin1')
  }

  close(): void {
    this.socket.destroy()
  }
}

export function startup(parameters: Readonly<Record<string, string>>, version = 0x30000): Buffer {
  const body = Buffer.concat([
    int32(version),
    ...Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)]),
    Buffer.from([0]),
  ])
  return Buffer.concat([int32(body.length + 4), body])
}

/** The server's challenge to a user: what a stranger can learn before any proof. */
export async function askChallenge(
  client: RawClient,
  user: string,
): Promise<{ mechanisms: string; salt: string; rounds: string }> {
  client.send(startup({ user, database: 'postgres' }))
  const offer = await client.message()
  const first = Buffer.from(`n,,n=*,r=${randomBytes(9).toString('base64')}`)
  const body = Buffer.concat([cstring('SCRAM-SHA-256'), int32(first.length), first])
  client.send(Buffer.concat([Buffer.from('p'), int32(body.length + 4), body]))
  const { body: challenge } = await client.message()
  const [, salt = '', rounds = ''] = /s=([^,]+),i=(\d+)$/.exec(challenge.toString('latin1', 4)) ?? []
  return { mechanisms: offer.body.toString('latin1', 4).replaceAll('\0', ' ').trim(), salt, rounds }
}

/** A stream of numbers in [0, 1) that is the same for the same seed. */
export function randomFrom(seed: string): () => number {
  let count = 0
  return () => createHmac('sha256', seed).update(String(count++)).digest().readUInt32BE(0) / 2 ** 32
}
