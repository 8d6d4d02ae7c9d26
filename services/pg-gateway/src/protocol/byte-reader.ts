import type { Socket } from 'node:net'
import { refusals } from '../errors.ts'

/**
 * Reads a client step by step while it signs in. What it may send before its password was proved is bounded, and what is
 * not asked for stays in the socket's own buffer, whose size is bounded too.
 */
export class ByteReader {
  readonly #socket: Socket
  #buffered = Buffer.alloc(0)
  #wake: (() => void) | null = null
  #isEnded = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('readable', this.#onReadable)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
  }

  /** Bytes that came with those that were asked for. */
  get isAhead(): boolean {
    return this.#buffered.length > 0 || this.#socket.readableLength > 0
  }

  /** Exactly that many bytes; null when the client has gone. */
  async take(length: number): Promise<Buffer | null> {
    while (this.#buffered.length < length) {
      const chunk = this.#socket.read() as Buffer | null
      if (chunk !== null) this.#buffered = Buffer.concat([this.#buffered, chunk])
      else if (this.#isEnded || this.#socket.readableEnded || this.#socket.destroyed) return null
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const taken = this.#buffered.subarray(0, length)
    this.#buffered = this.#buffered.subarray(length)
    return taken
  }

  /** A message with a type; null when the client has gone. Throws Refusal. */
  async message(bytesMax: number): Promise<{ type: number; body: Buffer } | null> {
    const head = await this.take(5)
    if (head === null) return null
    const length = head.readUInt32BE(1) - 4
    if (length < 0 || length > bytesMax) throw refusals.protocolViolation('invalid message length')
    const body = await this.take(length)
    return body === null ? null : { type: head[0] ?? 0, body }
  }

  /** Gives the socket back, with what was read too much in its buffer again. */
  release(): void {
    this.#socket.off('readable', this.#onReadable).off('end', this.#onEnd).off('close', this.#onEnd)
    if (this.#buffered.length > 0) this.#socket.unshift(this.#buffered)
    this.#buffered = Buffer.alloc(0)
  }

  /** Puts back what was taken last. */
  putBack(bytes: Buffer): void {
    this.#buffered = Buffer.concat([bytes, this.#buffered])
  }

  readonly #onReadable = (): void => {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  readonly #onEnd = (): void => {
    this.#isEnded = true
    this.#onReadable()
  }
}
