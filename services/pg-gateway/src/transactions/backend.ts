import { randomBytes } from 'node:crypto'
import { sendCancelRequest, type Endpoint, type Session as BackendSession } from '@favo/postgres'
import { MessageCutter, passes, whole } from '../protocol/message-cutter.ts'
import { backend as types, message } from '../protocol/messages.ts'
import { cleaningMessage, deallocateAll, findLastRow, readPreparedCounts } from './cleaning.ts'
import { endsGroup, type Expected } from './expected.ts'
import { BackendStatements } from './statements.ts'

/** Whom a backend serves for the length of a transaction. */
export interface Owner {
  /** Bytes for the client. */
  receive(pieces: readonly Buffer[]): void
  /** A whole message that is for the client; returns what the client gets. Null: nothing. */
  inspect(type: number, bytes: Buffer, expected: Expected | undefined): Buffer | true | null
  /** After ReadyForQuery of a group; returns what goes in front of it. */
  ready(status: number): Buffer | null
  /** The connection has gone. */
  lost(): void
}

export type TransactionStatus = 'I' | 'T' | 'E'

/** A connection of the transaction port's to Postgres: one owner at a time, and clean before the next. */
export class Backend {
  readonly parameters: ReadonlyMap<string, string>
  readonly openedAtMs = Date.now()
  readonly statements = new BackendStatements(`f_${randomBytes(5).toString('hex')}_`)
  /** The unnamed statement that is prepared at the moment; compared by identity. */
  unnamed: object | null = null
  /** Which of the pool's schemas its statements were prepared under. */
  generation = 0
  /** What it knows of prepared statements is not sure any more. */
  isUncertain = false
  onClosed: () => void = () => undefined
  readonly #session: BackendSession
  readonly #endpoint: Endpoint
  readonly #cutter: MessageCutter
  readonly #expected: Expected[] = []
  #owner: Owner | null = null
  /** After an error in the extended protocol: everything up to the Sync is ignored by Postgres. */
  #isSkipping = false
  #cleaned: ((isClean: boolean) => void) | null = null
  #cleaningSinceMs = 0
  #lastRow = ''
  #cancels = 0
  #isOpen = true

  constructor(session: BackendSession, endpoint: Endpoint) {
    this.#session = session
    this.#endpoint = endpoint
    this.parameters = session.parameters
    this.#cutter = new MessageCutter({
      needs: (type) => this.#needs(type),
      handle: (type, chunk, start, end) => this.#handle(type, chunk, start, end),
    })
    const { socket } = session
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.#finish())
  }

  get socket(): BackendSession['socket'] {
    return this.#session.socket
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Nothing that was sent waits for its answer. */
  get isQuiet(): boolean {
    return this.#expected.length === 0
  }

  /** Somebody asked Postgres to interrupt it: it must not be given to anybody else. */
  get isTainted(): boolean {
    return this.#cancels > 0
  }

  own(owner: Owner): void {
    this.#owner = owner
  }

  disown(): void {
    this.#owner = null
  }

  /** To be called for each message in the order in which they are sent. */
  expect(expected: Expected): void {
    if (this.#isSkipping) {
      if (!endsGroup(expected)) {
        expected.undo?.()
        return
      }
      this.#isSkipping = false
    }
    if (expected.answer !== undefined && this.#expected.length === 0) {
      this.#owner?.receive([expected.answer])
      return
    }
    this.#expected.push(expected)
  }

  /** Interrupts what runs. */
  cancel(): void {
    this.#cancels += 1
    sendCancelRequest(this.#endpoint, this.#session, cancelTimeoutMs).catch(() => undefined)
  }

  /** Takes away all that a client can leave on a session. `onDone` hears false when that did not succeed; then it must be closed. */
  clean(onDone: (isClean: boolean) => void): void {
    if (!this.#isOpen || this.isTainted) return onDone(false)
    const isUncertain = this.isUncertain
    this.#run(cleaningMessage(isUncertain), (isClean) => {
      if (isUncertain) this.forgetStatements()
      if (!isClean) return onDone(false)
      // Statements that were prepared or removed by SQL inside of functions.
      const { bySql, byProtocol } = readPreparedCounts(this.#lastRow)
      if (bySql === 0 && byProtocol === this.statements.size) return onDone(true)
      this.forgetStatements()
      this.#run(deallocateAll, onDone)
    })
  }

  /** Gives up on a cleaning that does not come to an end. */
  checkCleaning(nowMs: number): void {
    if (this.#cleaned !== null && nowMs - this.#cleaningSinceMs > cleaningTimeoutMs)
      this.#finishCleaning(false)
  }

  /** After DEALLOCATE ALL. */
  forgetStatements(): void {
    this.statements.clear()
    this.unnamed = null
    this.isUncertain = false
  }

  #run(query: Buffer, onDone: (isClean: boolean) => void): void {
    if (!this.#isOpen) return onDone(false)
    this.#cleaned = onDone
    this.#cleaningSinceMs = Date.now()
    this.#lastRow = ''
    this.#expected.push(silentQuery)
    this.socket.write(query)
  }

  #finishCleaning(isClean: boolean): void {
    const onDone = this.#cleaned
    this.#cleaned = null
    onDone?.(isClean)
  }

  /** Says goodbye; its place is free only when Postgres has really gone. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (!this.isQuiet) this.cancel()
    this.socket.resume()
    this.socket.write(message('X'))
    setTimeout(() => this.socket.destroy(), closeTimeoutMs).unref()
  }

  #read(chunk: Buffer): void {
    try {
      if (this.#cleaned !== null && this.#cutter.isAtRest && this.#expected.length === 1) {
        const lastRow = findLastRow(chunk)
        if (lastRow !== null) {
          this.#lastRow = lastRow
          this.#expected.length = 0
          return this.#finishCleaning(true)
        }
      }
      const pieces = this.#cutter.push(chunk)
      if (pieces.length > 0) this.#owner?.receive(pieces)
    } catch {
      this.socket.destroy()
    }
  }

  #isForOwner(): boolean {
    return this.#owner !== null && this.#expected[0]?.isSilent !== true
  }

  #needs(type: number): number {
    switch (type) {
      case types.errorResponse:
      case types.readyForQuery:
      case types.parameterStatus:
      case types.commandComplete:
        return whole
      case types.parseComplete:
      case types.bindComplete:
      case types.closeComplete:
      case types.noData:
      case types.portalSuspended:
      case types.emptyQueryResponse:
      case types.copyInResponse:
        return 0
      case types.dataRow:
        if (this.#cleaned !== null) return whole
        break
      case types.rowDescription:
        if (this.#expected[0]?.kind === 'describe') return whole
    }
    return this.#isForOwner() ? passes : 0
  }

  /** Returns what the client gets instead of the message. */
  #handle(type: number, chunk: Buffer, start: number, end: number): true | Buffer | null {
    const front = this.#expected[0]
    const isSilent = !this.#isForOwner()
    switch (type) {
      case types.parseComplete:
      case types.bindComplete:
      case types.closeComplete:
      case types.noData:
      case types.portalSuspended:
      case types.emptyQueryResponse:
        return this.#answered(type, chunk, start, end, isSilent)
      case types.rowDescription:
        return front?.kind === 'describe'
          ? this.#answered(type, chunk, start, end, isSilent)
          : !isSilent || null
      case types.commandComplete: {
        const passed = isSilent ? null : this.#completed(chunk, start, end, front)
        return front?.kind === 'execute' ? this.#withAnswers(passed, chunk, start, end, this.#next()) : passed
      }
      case types.dataRow:
        if (this.#cleaned !== null && front?.isSilent === true)
          this.#lastRow = chunk.toString('latin1', start, end)
        return !isSilent || null
      case types.copyInResponse:
        if (front?.kind === 'execute') this.#loseSyncs()
        return true
      case types.parameterStatus:
        return isSilent ? null : (this.#owner?.inspect(type, chunk.subarray(start, end), front) ?? null)
      case types.errorResponse:
        return this.#failed(chunk.subarray(start, end), front)
      case types.readyForQuery:
        return this.#ready(chunk.subarray(start, end), front)
      default:
        return !isSilent || null
    }
  }

  /** Only some command tags mean anything to the owner; the others need no second look. */
  #completed(chunk: Buffer, start: number, end: number, front: Expected | undefined): true | Buffer | null {
    if (front?.tag === undefined && !tellingInitials.has(chunk[start + headBytes] ?? 0)) return true
    return this.#owner?.inspect(types.commandComplete, chunk.subarray(start, end), front) ?? null
  }

  /** The message that ends the answer to the front, if it does. */
  #answered(
    type: number,
    chunk: Buffer,
    start: number,
    end: number,
    isSilent: boolean,
  ): true | Buffer | null {
    const front = this.#expected[0]
    const passed = isSilent ? null : true
    const isEnd = front !== undefined && answers[front.kind]?.includes(type) === true
    return isEnd ? this.#withAnswers(passed, chunk, start, end, this.#next()) : passed
  }

  /** Takes the front away; returns the answers of those behind it that Postgres was not asked for. */
  #next(): readonly Buffer[] {
    this.#expected.shift()
    if (this.#expected[0]?.answer === undefined) return none
    const due: Buffer[] = []
    for (let next = this.#expected[0]; next?.answer !== undefined; next = this.#expected[0]) {
      due.push(next.answer)
      this.#expected.shift()
    }
    return due
  }

  #withAnswers(
    passed: true | Buffer | null,
    chunk: Buffer,
    start: number,
    end: number,
    due: readonly Buffer[],
  ): true | Buffer | null {
    if (due.length === 0) return passed
    const first = passed === true ? chunk.subarray(start, end) : passed
    return Buffer.concat(first === null ? due : [first, ...due])
  }

  #failed(bytes: Buffer, front: Expected | undefined): true | Buffer | null {
    if (front?.isSilent === true && front.kind === 'query') {
      this.#finishCleaning(false)
      return null
    }
    const passed = this.#owner?.inspect(types.errorResponse, bytes, front) ?? null
    if (front === undefined || endsGroup(front)) return passed
    // What stands between the error and the Sync was not done.
    for (let next = this.#expected[0]; next !== undefined && !endsGroup(next); next = this.#expected[0]) {
      next.undo?.()
      this.#expected.shift()
    }
    if (this.#expected.length === 0) this.#isSkipping = true
    return passed
  }

  #ready(bytes: Buffer, front: Expected | undefined): Buffer | null | true {
    const due = this.#next()
    if (front?.isSilent === true) {
      this.#finishCleaning(true)
      return null
    }
    const before = this.#owner?.ready(bytes[5] ?? 0) ?? null
    if (before === null && due.length === 0) return true
    return Buffer.concat([...(before === null ? [] : [before]), bytes, ...due])
  }

  /** Postgres takes the Sync that came with a COPY for part of its data; the client sends another one after that. */
  #loseSyncs(): void {
    const kept = this.#expected.filter(({ kind }) => kind !== 'sync')
    this.#expected.splice(0, this.#expected.length, ...kept)
  }

  #finish(): void {
    this.#isOpen = false
    this.#finishCleaning(false)
    const owner = this.#owner
    this.#owner = null
    owner?.lost()
    this.onClosed()
  }
}

const answers: Partial<Record<Expected['kind'], readonly number[]>> = {
  parse: [types.parseComplete],
  bind: [types.bindComplete],
  close: [types.closeComplete],
  describe: [types.rowDescription, types.noData],
  execute: [types.portalSuspended, types.emptyQueryResponse],
}

/** Of the tags that owners look at: ALTER, CREATE, DEALLOCATE, DISCARD, DROP. */
const tellingInitials = new Set([0x41, 0x43, 0x44])
const headBytes = 5
const silentQuery: Expected = { kind: 'query', isSilent: true }
const none: readonly Buffer[] = []

const cancelTimeoutMs = 5_000
const cleaningTimeoutMs = 5_000
const closeTimeoutMs = 5_000
