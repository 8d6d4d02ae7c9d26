import type { Socket } from 'node:net'
import type { Endpoint, Session as BackendSession } from '@favo/postgres'
import { sendCancelRequest } from '@favo/postgres'
import { interposedBytesMax, mayNeedRewriting, rewrite, type Rewritten } from '../interposing/rewrite.ts'
import { writeAll } from '../protocol/flow.ts'
import { readErrorFields, writeErrorFields } from '../protocol/error-fields.ts'
import { MessageCutter, passes, whole } from '../protocol/message-cutter.ts'
import { backend, errorMessage, frontend, message } from '../protocol/messages.ts'
import { refusals, type Refusal } from '../errors.ts'

/** What is answered by one ReadyForQuery. */
interface Group {
  readonly isQuery: boolean
  readonly rewritten: Rewritten | null
}

const plainQuery: Group = { isQuery: true, rewritten: null }
const plainSync: Group = { isQuery: false, rewritten: null }

export interface SessionOptions {
  readonly client: Socket
  readonly backend: BackendSession
  readonly endpoint: Endpoint
  /** When both ends are closed. */
  readonly onClosed: () => void
}

/**
 * A client with a backend to itself. Bytes pass in both directions as fast as the slower side takes them; only statements
 * that must be rewritten are looked at, and the errors that answer them.
 */
export class Session {
  readonly #client: Socket
  readonly #backend: BackendSession
  readonly #endpoint: Endpoint
  readonly #toBackend: MessageCutter
  readonly #toClient: MessageCutter
  readonly #pending: Group[] = []
  /** Of the extended protocol, before its Sync. */
  #open: Group | null = null
  /** What the message that is held up comes to. */
  #answer: { readonly rewritten: Rewritten | null } | null = null
  #isClosed = false

  constructor(options: SessionOptions) {
    this.#client = options.client
    this.#backend = options.backend
    this.#endpoint = options.endpoint
    this.#toBackend = new MessageCutter({
      needs: (type, length) => {
        if (type === frontend.query || type === frontend.parse)
          return length <= interposedBytesMax ? whole : 0
        return type === frontend.sync || type === frontend.functionCall ? 0 : passes
      },
      handle: (type, chunk, start, end, length) => this.#fromClient(type, chunk, start, end, length),
    })
    this.#toClient = new MessageCutter({
      needs: (type) => {
        if (type === backend.readyForQuery || type === backend.copyInResponse) return 0
        return type === backend.errorResponse && this.#current() !== null ? whole : passes
      },
      handle: (type, chunk, start, end) => this.#fromBackend(type, chunk, start, end),
    })
    const { socket } = options.backend
    const end = (): void => {
      if (this.#isClosed) return
      this.#isClosed = true
      options.onClosed()
    }
    this.#client.on('data', (chunk: Buffer) => this.#forward(chunk))
    this.#client.on('close', () => this.#clientGone())
    this.#client.on('end', () => socket.end())
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => this.#back(chunk))
    socket.on('close', () => {
      end()
      if (this.#client.writable) this.#client.end()
      setTimeout(() => this.#client.destroy(), lingerMs).unref()
    })
  }

  /** Nothing is underway that would be lost. */
  get isIdle(): boolean {
    return this.#pending.length === 0
  }

  /** Interrupts what the client is waiting for. */
  cancel(): void {
    sendCancelRequest(this.#endpoint, this.#backend, cancelTimeoutMs).catch(() => undefined)
  }

  /** Ends it from this side, with a last word where one can be said. */
  end(refusal: Refusal = refusals.shuttingDown()): void {
    const { code, message: text, hint } = refusal
    if (this.#toClient.isAtRest && this.#client.writable)
      this.#client.write(errorMessage({ severity: 'FATAL', code, message: text, hint }))
    this.#backend.socket.end(message('X'))
    setTimeout(() => this.#backend.socket.destroy(), lingerMs).unref()
  }

  #forward(chunk: Buffer): void {
    try {
      writeAll(this.#toBackend.push(chunk), this.#client, this.#backend.socket)
    } catch {
      this.end(refusals.protocolViolation('invalid message length'))
    }
  }

  #fromClient(
    type: number,
    chunk: Buffer,
    start: number,
    end: number,
    length: number,
  ): true | Buffer | null | 'hold' {
    switch (type) {
      case frontend.query:
      case frontend.parse:
        return this.#statement(type, chunk.subarray(start, end), length)
      case frontend.sync:
        this.#pending.push(this.#open ?? plainSync)
        this.#open = null
        return true
      case frontend.functionCall:
        this.#pending.push(plainQuery)
        return true
      default:
        return true
    }
  }

  #statement(type: number, bytes: Buffer, length: number): true | Buffer | 'hold' {
    const isQuery = type === frontend.query
    if (length > interposedBytesMax) {
      if (isQuery) this.#pending.push(plainQuery)
      return true
    }
    const answer = this.#answer
    this.#answer = null
    const start = isQuery ? 5 : bytes.indexOf(0, 5) + 1
    const end = bytes.indexOf(0, start)
    if (
      answer === null &&
      end > start &&
      start > 0 &&
      mayNeedRewriting(bytes.toString('latin1', start, end))
    ) {
      this.#client.pause()
      void this.#rewrite(bytes.subarray(start, end))
      return 'hold'
    }
    const rewritten = answer?.rewritten ?? null
    if (isQuery) this.#pending.push(rewritten === null ? plainQuery : { isQuery, rewritten })
    else if (rewritten !== null) this.#open = { isQuery, rewritten }
    if (rewritten === null) return true
    return message(
      isQuery ? 'Q' : 'P',
      bytes.subarray(5, start),
      Buffer.from(rewritten.text),
      bytes.subarray(end),
    )
  }

  async #rewrite(bytes: Buffer): Promise<void> {
    const text = bytes.toString('utf8')
    // Of a session in another encoding nothing is known for sure.
    const rewritten = Buffer.from(text).equals(bytes) ? await rewrite(text) : null
    this.#answer = { rewritten }
    if (this.#client.destroyed) return
    this.#client.resume()
    writeAll(this.#toBackend.resume(), this.#client, this.#backend.socket)
  }

  #back(chunk: Buffer): void {
    try {
      writeAll(this.#toClient.push(chunk), this.#backend.socket, this.#client)
    } catch {
      this.#client.destroy()
      this.#backend.socket.destroy()
    }
  }

  #fromBackend(type: number, chunk: Buffer, start: number, end: number): true | Buffer {
    if (type === backend.readyForQuery) this.#pending.shift()
    // In the extended protocol the Sync that was sent with a COPY is lost; the one that answers comes after the data.
    else if (type === backend.copyInResponse && this.#pending[0]?.isQuery === false) this.#pending.shift()
    else if (type === backend.errorResponse) {
      const rewritten = this.#current()
      if (rewritten !== null) return showOriginalPosition(chunk.subarray(start, end), rewritten)
    }
    return true
  }

  #current(): Rewritten | null {
    return (this.#pending[0] ?? this.#open)?.rewritten ?? null
  }

  #clientGone(): void {
    const { socket } = this.#backend
    if (socket.destroyed) return
    // Nobody waits for it any more; and a backend notices only when it has something to say.
    if (!this.isIdle) this.cancel()
    socket.end(message('X'))
    setTimeout(() => socket.destroy(), lingerMs).unref()
  }
}

export function showOriginalPosition(bytes: Buffer, rewritten: Rewritten): Buffer {
  const fields = readErrorFields(bytes.subarray(5))
  const position = Number(fields.get('P'))
  if (!Number.isInteger(position)) return bytes
  fields.set('P', String(rewritten.originalPosition(position)))
  return writeErrorFields(fields)
}

const cancelTimeoutMs = 5_000
const lingerMs = 5_000
