import type { Socket } from 'node:net'
import { Queue } from '../queue.ts'
import { quoteIdent } from '../sql.ts'
import { ConnectionError, DatabaseError } from '../types.ts'
import { sendCancelRequest } from './cancel.ts'
import { leftoverFound } from './cleaning.ts'
import { isFatal, readCString, readError, readFields, readRow } from './decode.ts'
import type { Endpoint } from './endpoint.ts'
import { Cancellation } from './cancellation.ts'
import { Flight, plainFlight, type FlightPlan, type FlightResult } from './flight.ts'
import { FlightEncoder } from './flight-encoder.ts'
import { backend, Framing } from './framing.ts'
import type { Session } from './handshake.ts'
import type { StatementSpeeds } from '../pool/statement-speeds.ts'
import type { Statement } from './statements.ts'
import { MessageWriter, terminateMessage } from './writer.ts'

/** How long the server may take to say goodbye. */
const closeTimeoutMs = 2_000

interface Listener {
  readonly onNotify: (payload: string) => void
  readonly onLost: () => void
}

const ignore = (): void => {}

const rollback: FlightPlan = { ...plainFlight, script: 'rollback' }

/**
 * One connection after login. Flights are answered in the order in which they were sent; whoever holds the connection
 * decides whether to have more than one underway.
 */
export class Connection {
  readonly processId: number
  /** Called when nothing is underway any more, and the connection is out of any transaction or in one that is kept. */
  onIdle: (connection: Connection) => void = () => {}
  /** Called once, when the server has closed its end. */
  onClosed: (connection: Connection) => void = () => {}
  /** Called at each ReadyForQuery while others are underway. */
  onProgress: (connection: Connection) => void = () => {}
  /** Learns how long flights take. */
  speeds: StatementSpeeds | null = null
  readonly #socket: Socket
  readonly #writer = new MessageWriter()
  readonly #endpoint: Endpoint
  readonly #secretKey: Buffer
  readonly #framing = new Framing((type, chunk, start, end) => this.#receive(type, chunk, start, end))
  readonly #encoder = new FlightEncoder()
  readonly #flights = new Queue<Flight>()
  /** Under what those are known that the chunk at hand answers. */
  readonly #answered: (string | null)[] = []
  #lineMs = 0
  /** `performance.now()` at which the server could begin with the flight at the front. */
  #frontSince = 0
  readonly #listeners = new Map<string, Listener[]>()
  #fatal: DatabaseError | null = null
  #isOpen = true
  #isHeld = false
  #cancelling: Cancellation | null = null
  #broken: Error | null = null

  constructor(session: Session, endpoint: Endpoint) {
    this.processId = session.processId
    this.#secretKey = session.secretKey
    this.#socket = session.socket
    this.#endpoint = endpoint
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#break(error))
    // Before 'close': what is written in between goes nowhere.
    this.#socket.on('end', () => this.#break(new Error('the server closed the connection')))
    this.#socket.on('close', () => this.#finish())
  }

  /** False from the moment at which the connection must not be given to anybody. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Flights that are not answered yet. */
  get underway(): number {
    return this.#flights.length
  }

  /** How long all that is underway will take, by what was learnt of each. */
  get lineMs(): number {
    return this.#lineMs
  }

  /** How long the flight at the front has kept the others waiting. */
  get frontMs(): number {
    return this.#flights.length === 0 ? 0 : performance.now() - this.#frontSince
  }

  /** A cancel is on its way, and hits whatever the server is working on when it comes. */
  get isCancelling(): boolean {
    return this.#cancelling !== null
  }

  get isListening(): boolean {
    return this.#listeners.size > 0
  }

  /** Keeps the connection from becoming idle between the flights of a transaction. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#settle()
  }

  /** Sends a flight; `onDone` is called at its ReadyForQuery or when the connection breaks. */
  send(plan: FlightPlan, onDone: (flight: Flight) => void): Flight {
    const flight = new Flight(plan, onDone)
    if (!this.#isOpen) {
      flight.lost = this.#fatal ?? new Error('the connection is closed')
      flight.isUntouched = true
      queueMicrotask(() => onDone(flight))
      return flight
    }
    this.#submit(flight)
    return flight
  }

  /**
   * `send` as a promise. Rejects with DatabaseError, or with ConnectionError: `unavailable` when nothing was tried and
   * another connection may do, `lost` when the connection broke underway.
   */
  run(plan: FlightPlan): Promise<FlightResult> {
    return new Promise((resolve, reject) => {
      this.send(plan, ({ invalid, lost, error, results, isUntouched, isPreludeError }) => {
        if (invalid !== null) reject(invalid)
        else if (isUntouched || isPreludeError) {
          reject(
            new ConnectionError('unavailable', 'the connection was not usable', { cause: lost ?? error }),
          )
        } else if (lost !== null)
          reject(new ConnectionError('lost', 'the database connection broke', { cause: lost }))
        else if (error !== null) reject(error)
        else resolve(results)
      })
    })
  }

  /**
   * Interrupts a flight. A cancel hits a backend, not a statement: the connection counts as busy until both the cancel and
   * the statement have been answered, and goes on only if the statement ended by being cancelled. A flight that stands
   * behind others is left to run; those behind this one are told to go elsewhere, because the cancel may hit them.
   */
  cancel(flight: Flight): void {
    if (this.#flights.first !== flight || this.#cancelling !== null || !this.#isOpen) return
    this.rescue()
    const backend = { processId: this.processId, secretKey: this.#secretKey }
    this.#cancelling = new Cancellation(
      flight,
      (timeoutMs) => sendCancelRequest(this.#endpoint, backend, timeoutMs),
      () => this.#settle(),
      (error) => this.destroy(error),
    )
  }

  /** Sends those that wait behind the flight at the front elsewhere. Only for flights that share: they change nothing. */
  rescue(): void {
    for (const flight of [...this.#flights].slice(1)) {
      flight.lost = new Error('stood behind a slow statement')
      flight.isUntouched = true
      this.#report(flight)
    }
  }

  #report(flight: Flight): void {
    if (flight.isReported) return
    flight.isReported = true
    flight.onDone(flight)
  }

  /** Listens to a channel until the connection goes; then `onLost` is called once. The connection must be idle. */
  async listen(channel: string, listener: Listener): Promise<void> {
    const known = this.#listeners.get(channel)
    if (known !== undefined) {
      known.push(listener)
      return
    }
    await this.run({ ...plainFlight, script: `listen ${quoteIdent(channel)}` })
    this.#listeners.set(channel, [listener])
    this.#encoder.setListening([...this.#listeners.keys()].map(quoteIdent))
  }

  /** Says goodbye; `onClosed` follows when the server has really gone. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#flush()
    this.#socket.write(terminateMessage)
    // Not `end()`: the socket closes when the server does, so that a place in the budget is free only then.
    setTimeout(() => this.#socket.destroy(), closeTimeoutMs).unref()
  }

  /** Gives the connection up at once. */
  destroy(reason: Error): void {
    this.#break(reason)
    this.#socket.destroy()
  }

  #submit(flight: Flight): void {
    const before = this.#writer.length
    try {
      this.#encoder.encode(flight, this.#writer)
    } catch (error) {
      flight.invalid = error as Error
      queueMicrotask(() => {
        this.#report(flight)
        this.#settle()
      })
      return
    }
    if (this.#flights.length === 0) this.#frontSince = performance.now()
    this.#flights.push(flight)
    const { shareKey } = flight.plan
    if (shareKey !== null && this.speeds !== null) flight.expectedMs = this.speeds.expectedMs(shareKey)
    this.#lineMs += flight.expectedMs
    // When every socket that has something to read was read: what all of them lead to goes in the same write.
    if (before === 0) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    if (this.#writer.length > 0) this.#socket.write(this.#writer.take())
  }

  #read(chunk: Buffer): void {
    const since = this.#frontSince
    try {
      this.#framing.push(chunk)
    } catch (error) {
      this.destroy(error as Error)
    }
    if (this.#answered.length > 0) this.#noteSpeeds(since)
  }

  /** Answers that come together were given one after the other since `since`: each counts for its share of that. */
  #noteSpeeds(since: number): void {
    const now = performance.now()
    const eachMs = (now - since) / this.#answered.length
    this.#frontSince = now
    for (const key of this.#answered) if (key !== null) this.speeds?.note(key, eachMs)
    this.#answered.length = 0
  }

  #receive(type: number, chunk: Buffer, start: number, end: number): void {
    const flight = this.#flights.first
    if (type === backend.notificationResponse) return this.#notify(chunk, start)
    if (flight === undefined) {
      if (type === backend.errorResponse) this.#break((this.#fatal = readError(chunk, start, null)))
      return
    }
    switch (type) {
      case backend.dataRow:
        if (flight.isInSteps) flight.rows.push(readRow(chunk, start))
        return
      case backend.bindComplete:
        flight.isBound = true
        flight.isAnswered = true
        return
      case backend.commandComplete:
        flight.isAnswered = true
        flight.complete(chunk, start, end - 1)
        return
      case backend.emptyQueryResponse:
        flight.complete(chunk, start, start)
        return
      case backend.parseComplete:
        flight.isAnswered = true
        this.#confirm(flight.parsing[flight.parsed++])
        return
      case backend.rowDescription:
        if (flight.plan.script !== null) flight.scriptFields = readFields(chunk, start)
        else this.#describe(flight.parsing[flight.parsed - 1], chunk, start)
        return
      case backend.errorResponse:
        this.#fail(flight, readError(chunk, start, flight.step))
        return
      case backend.readyForQuery:
        this.#ready(flight, chunk[start] ?? 0)
        return
      case backend.copyInResponse:
      case backend.copyBothResponse:
        // What was sent behind it is taken for data, the Sync too: there is no way on with this connection.
        flight.error = new DatabaseError({
          message: 'COPY from the client is not possible here',
          code: '0A000',
          step: flight.step,
        })
        this.destroy(flight.error)
        return
      default: // CloseComplete, NoData, ParameterDescription, ParameterStatus, notices, data of COPY … TO STDOUT.
    }
  }

  #confirm(statement: Statement | undefined): void {
    if (statement === undefined) return
    statement.isReady = true
    statement.isParsing = false
  }

  #describe(statement: Statement | undefined, chunk: Buffer, start: number): void {
    if (statement !== undefined) statement.fields = readFields(chunk, start)
  }

  #fail(flight: Flight, error: DatabaseError): void {
    if (isFatal(error)) {
      this.#fatal = error
      this.#break(error)
      setTimeout(() => this.#socket.destroy(), closeTimeoutMs).unref()
      return
    }
    flight.isAnswered = true
    flight.error ??= error
    // The last statement in front holds the settings of the request too, which may be wrong by themselves.
    const isInFront = flight.completed < flight.head - 1
    flight.isPreludeError =
      isInFront || (flight.completed === flight.head - 1 && error.code === leftoverFound)
  }

  #ready(flight: Flight, status: number): void {
    this.#flights.shift()
    this.#answered.push(flight.plan.shareKey)
    // Not by subtraction alone, whose errors would add up.
    this.#lineMs = this.#flights.length === 0 ? 0 : this.#lineMs - flight.expectedMs
    for (let i = flight.parsed; i < flight.parsing.length; i++) {
      const statement = flight.parsing[i]
      if (statement !== undefined) statement.isParsing = false
    }
    const isBroken = status !== statusIdle
    if (flight.error !== null && this.#isOpen && this.#encoder.isStale(flight, flight.error, isBroken)) {
      if (isBroken) this.#submit(new Flight(rollback, ignore))
      flight.reset()
      flight.hasBeenResent = true
      this.#submit(flight)
      return
    }
    // Whatever was left there, it could not be cleared away.
    if (flight.isPreludeError) this.destroy(new Error('something was left on the connection'))
    if (flight.error === null) this.#encoder.confirm(flight)
    // Sent before the result is reported: whoever hears of it may send something at once.
    if (isBroken && !flight.plan.keepsTransaction && this.#isOpen) this.#submit(new Flight(rollback, ignore))
    this.#report(flight)
    if (this.#flights.length > 0) this.onProgress(this)
    else this.#settle()
  }

  #settle(): void {
    if (this.#flights.length > 0 || !this.#isOpen || this.#isHeld) return
    if (this.#cancelling !== null) {
      if (!this.#cancelling.isAnswered) return
      const { flight } = this.#cancelling
      this.#cancelling.stop()
      this.#cancelling = null
      if (flight.error?.code !== '57014') return this.close()
    }
    this.onIdle(this)
  }

  #notify(chunk: Buffer, start: number): void {
    const channel = readCString(chunk, start + 4)
    const payload = readCString(chunk, chunk.indexOf(0, start + 4) + 1)
    for (const { onNotify } of this.#listeners.get(channel) ?? []) onNotify(payload)
  }

  #break(reason: Error): void {
    this.#isOpen = false
    this.#broken ??= reason
  }

  /** The socket has closed: nothing that is still underway will be answered. */
  #finish(): void {
    this.#isOpen = false
    const reason = this.#broken ?? new Error('the connection closed')
    for (let flight = this.#flights.shift(); flight !== undefined; flight = this.#flights.shift()) {
      if (flight.error === null || flight.error !== reason) flight.lost ??= reason
      // The server's last word came before any answer to this one, so it never began with it.
      if (this.#fatal !== null && !flight.isAnswered) flight.isUntouched = true
      this.#report(flight)
    }
    this.#cancelling?.stop()
    const listeners = [...this.#listeners.values()].flat()
    this.#listeners.clear()
    this.onClosed(this)
    for (const { onLost } of listeners) onLost()
  }
}

const statusIdle = 0x49
