import type { Socket } from 'node:net'
import { refusals, Refusal } from '../errors.ts'
import { interposedBytesMax, mayNeedRewriting, rewrite, type Rewritten } from '../interposing/rewrite.ts'
import { writeAll } from '../protocol/flow.ts'
import { MessageCutter, whole } from '../protocol/message-cutter.ts'
import { readErrorFields, writeErrorFields } from '../protocol/error-fields.ts'
import {
  backend as answers,
  errorMessage,
  frontend,
  message,
  parameterStatus,
  readyForQuery,
} from '../protocol/messages.ts'
import type { Backend, Owner } from './backend.ts'
import type { Expected } from './expected.ts'
import type { Membership } from './pool.ts'
import { PreparedStatements } from './prepared-statements.ts'
import { findUnsuitable } from './unsuitable.ts'

export interface PooledClientOptions {
  readonly client: Socket
  readonly membership: Membership
  /** What the client was told at the start. */
  readonly parameters: ReadonlyMap<string, string>
  /** Throws Refusal when the project may not be used any more; at once, when that is known. */
  readonly checkProject: () => void | Promise<void>
  readonly onClosed: () => void
}

/** Longer texts pass without being looked at; statements that are to be remembered may not be longer. */
const statementBytesMax = interposedBytesMax
/** Of a Bind message: its names must be within. */
const namesBytesMax = 4_096
const idleInTransactionMs = 60_000
const lingerMs = 2_000

/**
 * A client of the transaction port. It has a backend from the first message of a transaction to the ReadyForQuery that ends
 * it; between transactions it costs nothing but memory.
 */
export class PooledClient implements Owner {
  readonly #client: Socket
  readonly #options: PooledClientOptions
  readonly #cutter: MessageCutter
  readonly #prepared = new PreparedStatements()
  /** Settings that the client was told, where they differ from those at the start. */
  readonly #changed = new Set<string>()
  readonly #gone = new AbortController()
  #backend: Backend | null = null
  #isBorrowing = false
  #status: 'I' | 'T' | 'E' = 'I'
  /** What the statement that is held up comes to. */
  #answer: { readonly rewritten: Rewritten | null } | null = null
  /** Everything that was sent so far has been answered up to its ReadyForQuery. */
  #isGroupEnded = false
  #lastMs = Date.now()
  #wasToldTheEnd = false
  #isEnded = false

  constructor(options: PooledClientOptions) {
    this.#client = options.client
    this.#options = options
    this.#cutter = new MessageCutter({
      needs: (type, length) => needsOf(type, length),
      handle: (type, chunk, start, end, length) => this.#fromClient(type, chunk, start, end, length),
    })
    this.#client.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#client.on('close', () => this.#leave())
  }

  /** In no transaction. */
  get isIdle(): boolean {
    return this.#backend === null && !this.#isBorrowing
  }

  cancel(): void {
    if (this.#backend !== null && !this.#backend.isQuiet) this.#backend.cancel()
  }

  end(refusal: Refusal = refusals.shuttingDown()): void {
    if (this.#isEnded) return
    this.#isEnded = true
    const { code, message: text, hint } = refusal
    if (this.#client.writable)
      this.#client.end(errorMessage({ severity: 'FATAL', code, message: text, hint }))
    this.#client.resume()
    setTimeout(() => this.#client.destroy(), lingerMs).unref()
    this.#letGo()
  }

  /** Ends a client that keeps a backend and does nothing with it, or does not read what it asked for. */
  checkIdle(nowMs: number): void {
    if (this.#backend === null || nowMs - this.#lastMs < idleInTransactionMs) return
    if (this.#backend.isQuiet || this.#backend.socket.isPaused())
      this.end(refusals.heldTooLong(idleInTransactionMs / 1_000))
  }

  // What comes from the client.

  #read(chunk: Buffer): void {
    if (this.#isEnded) return
    this.#lastMs = Date.now()
    try {
      this.#send(this.#cutter.push(chunk))
      this.#tryRelease()
    } catch (error) {
      this.end(error instanceof Refusal ? error : refusals.protocolViolation('invalid message length'))
    }
  }

  #send(pieces: readonly Buffer[]): void {
    if (this.#backend !== null) writeAll(pieces, this.#client, this.#backend.socket)
  }

  #fromClient(
    type: number,
    chunk: Buffer,
    start: number,
    end: number,
    length: number,
  ): true | Buffer | null | 'hold' {
    if (type === frontend.terminate) {
      this.#client.end()
      return null
    }
    if (this.#backend === null) {
      if (type === frontend.sync) {
        this.#client.write(readyForQuery('I'))
        return null
      }
      // What is left of a COPY that failed, and a Flush of nothing: Postgres ignores them, too.
      if (isHarmless(type)) return null
      if (!this.#borrowAtOnce()) return 'hold'
    }
    const backend = this.#backend
    if (backend === null) return 'hold'
    this.#isGroupEnded = false
    switch (type) {
      case frontend.query:
      case frontend.parse:
        return this.#statement(backend, type, chunk.subarray(start, end), length)
      case frontend.bind:
        return this.#prepared.bind(backend, chunk.subarray(start, end), length)
      case frontend.describe:
        return this.#prepared.describe(backend, chunk.subarray(start, end))
      case frontend.close:
        return this.#prepared.close(backend, chunk.subarray(start, end))
      case frontend.execute:
        backend.expect(expected.execute)
        return true
      case frontend.sync:
        backend.expect(expected.sync)
        return true
      case frontend.functionCall:
        backend.expect(expected.call)
        return true
      default:
        return true
    }
  }

  /** False when it has to wait; then what it sends waits, too. */
  #borrowAtOnce(): boolean {
    const { checkProject, membership } = this.#options
    const checked = checkProject()
    if (checked === undefined) {
      const backend = membership.borrowIdle()
      if (backend !== null) {
        this.#backend = backend
        backend.own(this)
        return true
      }
    }
    this.#borrow(checked)
    return false
  }

  #borrow(checked: void | Promise<void>): void {
    this.#isBorrowing = true
    this.#client.pause()
    this.#lend(checked).then(
      (backend) => {
        this.#isBorrowing = false
        if (this.#isEnded || this.#client.destroyed) {
          this.#options.membership.giveBack(backend)
          return
        }
        this.#backend = backend
        backend.own(this)
        this.#goOn()
      },
      (error: unknown) => {
        this.#isBorrowing = false
        this.end(error instanceof Refusal ? error : refusals.databaseUnreachable())
      },
    )
  }

  async #lend(checked: void | Promise<void>): Promise<Backend> {
    await checked
    return this.#options.membership.borrow(this.#gone.signal)
  }

  #goOn(): void {
    if (this.#isEnded || this.#client.destroyed) return
    this.#lastMs = Date.now()
    this.#client.resume()
    try {
      this.#send(this.#cutter.resume())
    } catch (error) {
      this.end(error instanceof Refusal ? error : refusals.protocolViolation('invalid message length'))
    }
  }

  #statement(backend: Backend, type: number, bytes: Buffer, length: number): true | Buffer | null | 'hold' {
    const isQuery = type === frontend.query
    if (length > statementBytesMax) {
      if (!isQuery) throw refusals.messageTooLarge(length)
      backend.unnamed = null
      backend.expect({ kind: 'query' })
      return true
    }
    const start = isQuery ? 5 : bytes.indexOf(0, 5) + 1
    const end = bytes.indexOf(0, start)
    if (start === 0 || end < 0) throw refusals.protocolViolation('invalid message format')
    const answer = this.#answer
    this.#answer = null
    const text = bytes.toString('utf8', start, end)
    if (answer === null && mayNeedRewriting(text)) {
      this.#client.pause()
      void this.#rewrite(text, bytes.subarray(start, end))
      return 'hold'
    }
    const error = findUnsuitable(text, this.#status !== 'I') ?? undefined
    const rewritten = answer?.rewritten ?? null
    const refused = error === undefined ? {} : { error }
    if (isQuery) {
      backend.unnamed = null
      if (error === undefined && rewritten === null) return this.#prepared.query(backend, text)
      backend.expect({ kind: 'query', rewritten, ...refused })
      return message('Q', error === undefined ? (rewritten?.text ?? text) : nonsense, '\0')
    }
    const name = bytes.toString('utf8', 5, start - 1)
    const sent = error === undefined ? rewritten?.text : nonsense
    const body = Buffer.concat([
      sent === undefined ? bytes.subarray(start, end) : Buffer.from(sent),
      bytes.subarray(end, 5 + length),
    ])
    return this.#prepared.parse(backend, name, body, { rewritten, ...refused })
  }

  async #rewrite(text: string, bytes: Buffer): Promise<void> {
    // Of a session in another encoding nothing is known for sure.
    this.#answer = { rewritten: Buffer.from(text).equals(bytes) ? await rewrite(text) : null }
    this.#goOn()
  }

  // What comes from the backend.

  receive(pieces: readonly Buffer[]): void {
    this.#lastMs = Date.now()
    if (this.#backend !== null) writeAll(pieces, this.#backend.socket, this.#client)
    this.#tryRelease()
  }

  inspect: Owner['inspect'] = (type, bytes, expected) => {
    switch (type) {
      case answers.parameterStatus:
        this.#changed.add(bytes.toString('utf8', 5, bytes.indexOf(0, 5)))
        return true
      case answers.commandComplete:
        return this.#completed(bytes, expected)
      case answers.errorResponse:
        return this.#failed(bytes, expected)
      default:
        return true
    }
  }

  #completed(bytes: Buffer, expected: Expected | undefined): true | Buffer {
    if (expected?.tag !== undefined) {
      expected.onDone?.()
      return message('C', expected.tag, '\0')
    }
    const tag = bytes.toString('latin1', 5, bytes.length - 1)
    if (/^(?:DEALLOCATE|DISCARD) ALL$/.test(tag)) {
      this.#prepared.clear()
      this.#backend?.forgetStatements()
    } else if (/^(?:CREATE|ALTER|DROP)\b/.test(tag)) this.#options.membership.schemaChanged()
    return true
  }

  #failed(bytes: Buffer, expected: Expected | undefined): true | Buffer {
    const fields = readErrorFields(bytes.subarray(5))
    if (fields.get('V') === 'FATAL' || fields.get('V') === 'PANIC') this.#wasToldTheEnd = true
    // A plan that does not fit the schema any more, or a statement that went away inside of a function.
    if (this.#backend !== null && isAboutPlans(fields)) this.#backend.isUncertain = true
    if (expected?.error !== undefined) return expected.error
    const position = Number(fields.get('P'))
    const original = expected?.rewritten?.originalPosition(position)
    const text = fields.get('M') ?? ''
    const renamed = this.#backend === null ? text : this.#prepared.renameIn(text, this.#backend)
    if (original === undefined && renamed === text) return true
    if (original !== undefined && Number.isInteger(position)) fields.set('P', String(original))
    return writeErrorFields(fields.set('M', renamed))
  }

  ready(status: number): Buffer | null {
    this.#status = status === 0x54 ? 'T' : status === 0x45 ? 'E' : 'I'
    this.#isGroupEnded = this.#backend?.isQuiet === true
    return this.#mayRelease() ? this.#takeBackSettings() : null
  }

  lost(): void {
    this.#backend = null
    if (this.#wasToldTheEnd) this.#client.end()
    else this.end(refusals.connectionLost())
  }

  // The end of a transaction, and of the client.

  #mayRelease(): boolean {
    return this.#status === 'I' && this.#isGroupEnded && !this.#cutter.isMidMessage
  }

  #tryRelease(): void {
    const backend = this.#backend
    if (backend === null || !this.#mayRelease()) return
    if (this.#changed.size > 0) this.#client.write(this.#takeBackSettings() ?? '')
    this.#backend = null
    // It may have been waiting for this client to read.
    backend.socket.resume()
    this.#options.membership.giveBack(backend)
  }

  /** What the client was told of settings goes with the settings. */
  #takeBackSettings(): Buffer | null {
    if (this.#changed.size === 0) return null
    const told = [...this.#changed].map((name) =>
      parameterStatus(name, this.#options.parameters.get(name) ?? ''),
    )
    this.#changed.clear()
    return Buffer.concat(told)
  }

  #letGo(): void {
    const backend = this.#backend
    this.#backend = null
    this.#gone.abort()
    if (backend === null) return
    // What it did in an open transaction is rolled back with the connection.
    backend.disown()
    backend.close()
  }

  #leave(): void {
    this.#isEnded = true
    this.#letGo()
    this.#options.membership.leave()
    this.#options.onClosed()
  }
}

/** Something that is no SQL: it fails like a statement, so that an open transaction fails with it. */
const nonsense = 'refused'

const expected = {
  execute: { kind: 'execute' },
  sync: { kind: 'sync' },
  call: { kind: 'call' },
} as const

function needsOf(type: number, length: number): number {
  switch (type) {
    case frontend.query:
    case frontend.parse:
      return length <= statementBytesMax ? whole : 0
    case frontend.bind:
      return namesBytesMax
    case frontend.describe:
    case frontend.close:
      if (length > namesBytesMax) throw refusals.protocolViolation('invalid message format')
      return whole
    default:
      return 0
  }
}

const harmless: readonly number[] = [frontend.flush, frontend.copyData, frontend.copyDone, frontend.copyFail]
const isHarmless = (type: number): boolean => harmless.includes(type)

const isAboutPlans = (fields: ReadonlyMap<string, string>): boolean =>
  fields.get('C') === '26000' || fields.get('R') === 'RevalidateCachedQuery'
