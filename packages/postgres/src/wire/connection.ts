import type { Socket } from 'node:net'
import { quoteIdent } from '../sql.ts'
import { ConnectionError, DatabaseError, type Step } from '../types.ts'
import { sendCancelRequest } from './cancel.ts'
import { checkStep, stepsAfterBegin, stepsBeforeBegin } from './cleaning.ts'
import { isFatal, readCString, readError, readFields, readRow } from './decode.ts'
import type { Endpoint } from './endpoint.ts'
import { Flight, type FlightPlan, type FlightResult } from './flight.ts'
import { backend, Framing } from './framing.ts'
import type { Session } from './handshake.ts'
import { StatementCache, type Statement } from './statements.ts'
import { MessageWriter, terminateMessage } from './writer.ts'

const statementsMax = 500
/** How long a cancelled statement may take to end before the connection is given up. */
const cancelTimeoutMs = 5_000
/** How long the server may take to say goodbye. */
const closeTimeoutMs = 2_000

/** Shared by all connections: a flight is written and taken in one go. */
const writer = new MessageWriter()

interface Listener {
  readonly onNotify: (payload: string) => void
  readonly onLost: () => void
}

interface Cancelling {
  readonly flight: Flight
  isAnswered: boolean
  stop?: () => void
}

const ignore = (): void => {}

const rollback: FlightPlan = {
  clean: false,
  begin: null,
  steps: [],
  end: null,
  keepsTransaction: false,
  script: 'rollback',
}

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
  readonly #socket: Socket
  readonly #endpoint: Endpoint
  readonly #secretKey: Buffer
  readonly #framing = new Framing((type, chunk, start, end) => this.#receive(type, chunk, start, end))
  readonly #statements = new StatementCache(statementsMax)
  readonly #flights: Flight[] = []
  readonly #listeners = new Map<string, Listener[]>()
  #cleaning = [stepsBeforeBegin([]), stepsAfterBegin] as const
  /** The encoded Bind and Execute of the cleaning steps, once they are all prepared. */
  #cleaningBytes: readonly [Buffer, Buffer] | null = null
  #fatal: DatabaseError | null = null
  #isOpen = true
  #isHeld = false
  #cancelling: Cancelling | null = null
  #broken: Error | null = null

  constructor(session: Session, endpoint: Endpoint) {
    this.processId = session.processId
    this.#secretKey = session.secretKey
    this.#socket = session.socket
    this.#endpoint = endpoint
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#break(error))
    this.#socket.on('close', () => this.#finish())
  }

  /** False from the moment at which the connection must not be given to anybody. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get isIdle(): boolean {
    return this.#flights.length === 0
  }

  get isListening(): boolean {
    return this.#listeners.size > 0
  }

  get preparedStatements(): number {
    return this.#statements.size
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
   * Interrupts what is running. A cancel hits a backend, not a statement: the connection counts as busy until both the
   * cancel and the statement have been answered, and goes on only if the statement ended by being cancelled.
   */
  cancel(): void {
    const flight = this.#flights[0]
    if (flight === undefined || this.#cancelling !== null || !this.#isOpen) return
    const cancelling: Cancelling = { flight, isAnswered: false }
    this.#cancelling = cancelling
    const timer = setTimeout(
      () => this.destroy(new Error('a cancelled statement did not end')),
      cancelTimeoutMs,
    )
    cancelling.stop = () => clearTimeout(timer)
    sendCancelRequest(
      this.#endpoint,
      { processId: this.processId, secretKey: this.#secretKey },
      cancelTimeoutMs,
    ).then(
      () => {
        cancelling.isAnswered = true
        this.#settle()
      },
      (error: Error) => this.destroy(error),
    )
  }

  /** Listens to a channel until the connection goes; then `onLost` is called once. The connection must be idle. */
  async listen(channel: string, listener: Listener): Promise<void> {
    const known = this.#listeners.get(channel)
    if (known !== undefined) {
      known.push(listener)
      return
    }
    await this.run({ ...rollback, script: `listen ${quoteIdent(channel)}` })
    this.#listeners.set(channel, [listener])
    this.#cleaning = [stepsBeforeBegin([...this.#listeners.keys()].map(quoteIdent)), stepsAfterBegin]
    this.#cleaningBytes = null
  }

  /** Says goodbye; `onClosed` follows when the server has really gone. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
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
    try {
      this.#encode(flight)
    } catch (error) {
      // A value that cannot be encoded: nothing was sent, the connection is as it was.
      writer.discard()
      this.#statements.clear()
      this.#cleaningBytes = null
      flight.invalid = error as Error
      queueMicrotask(() => {
        flight.onDone(flight)
        this.#settle()
      })
      return
    }
    this.#flights.push(flight)
    this.#socket.write(writer.take())
  }

  #encode(flight: Flight): void {
    const { plan } = flight
    for (const name of this.#statements.takeDropped()) writer.closeStatement(name)
    if (plan.script !== null) {
      writer.query(plan.script)
      return
    }
    if (plan.clean) this.#encodeCleaning(flight, 0)
    if (plan.begin !== null)
      this.#encodeStep(flight, { text: plan.begin.text, values: [], plan: '(transaction)' })
    if (plan.clean) {
      this.#encodeCleaning(flight, 1)
      this.#encodeStep(flight, checkStep(plan.begin))
    }
    flight.head = flight.units.length
    for (const step of plan.steps) this.#encodeStep(flight, step)
    if (plan.end !== null) this.#encodeStep(flight, plan.end === 'commit' ? commitStep : rollbackStep)
    writer.sync()
  }

  #encodeCleaning(flight: Flight, part: 0 | 1): void {
    const steps = this.#cleaning[part]
    if (this.#cleaningBytes === null) {
      for (const step of steps) this.#encodeStep(flight, step)
      return
    }
    writer.bytes(this.#cleaningBytes[part])
    for (let i = 0; i < steps.length; i++) flight.units.push(null)
  }

  #encodeStep(flight: Flight, step: Step): void {
    let statement = this.#statements.get(step)
    if (!statement.isReady) {
      // Underway in a flight before this one, which may fail: not to be relied on.
      if (statement.isParsing) statement = this.#statements.get({ ...step, plan: null })
      statement.isParsing = true
      flight.parsing.push(statement)
      writer.parse(statement.name, statement.text, step.types ?? noTypes)
      writer.describeStatement(statement.name)
    }
    flight.units.push(statement)
    writer.bind(statement.name, step.values)
    writer.execute()
  }

  #read(chunk: Buffer): void {
    try {
      this.#framing.push(chunk)
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  #receive(type: number, chunk: Buffer, start: number, end: number): void {
    const flight = this.#flights[0]
    if (type === backend.notificationResponse) return this.#notify(chunk, start)
    if (flight === undefined) {
      if (type === backend.errorResponse) this.#break((this.#fatal = readError(chunk, start, null)))
      return
    }
    switch (type) {
      case backend.dataRow:
        flight.addRow(readRow(chunk, start))
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
        // The Sync is already behind it and would be swallowed: there is no way on with this connection.
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
      flight.isUntouched = !flight.isAnswered
      this.#break(error)
      setTimeout(() => this.#socket.destroy(), closeTimeoutMs).unref()
      return
    }
    flight.isAnswered = true
    flight.error = error
    flight.isPreludeError = flight.completed < flight.head
  }

  #ready(flight: Flight, status: number): void {
    this.#flights.shift()
    for (let i = flight.parsed; i < flight.parsing.length; i++) {
      const statement = flight.parsing[i]
      if (statement !== undefined) statement.isParsing = false
    }
    const isBroken = status !== statusIdle
    if (flight.error !== null && this.#isStale(flight, flight.error, isBroken) && this.#isOpen) {
      if (isBroken) this.#submit(new Flight(rollback, ignore))
      flight.reset()
      flight.hasBeenResent = true
      this.#submit(flight)
      return
    }
    // Whatever was left there, it could not be cleared away.
    if (flight.isPreludeError) this.destroy(new Error('something was left on the connection'))
    if (flight.plan.clean && flight.error === null && this.#cleaningBytes === null)
      this.#encodeCleaningBytes()
    // Sent before the result is reported: whoever hears of it may send something at once.
    if (isBroken && !flight.plan.keepsTransaction && this.#isOpen) this.#submit(new Flight(rollback, ignore))
    flight.onDone(flight)
    this.#settle()
  }

  #settle(): void {
    if (this.#flights.length > 0 || !this.#isOpen || this.#isHeld) return
    if (this.#cancelling !== null) {
      if (!this.#cancelling.isAnswered) return
      const { flight, stop } = this.#cancelling
      stop?.()
      this.#cancelling = null
      if (flight.error?.code !== '57014') return this.close()
    }
    this.onIdle(this)
  }

  /**
   * The server no longer has a prepared statement (DEALLOCATE in a function) or its result type has changed (DDL). Both
   * are found at Bind, the transaction was rolled back as a whole, so the flight can be sent again with everything parsed.
   */
  #isStale(flight: Flight, error: DatabaseError, isBroken: boolean): boolean {
    // After a COMMIT inside the steps something is done already.
    if (flight.hasBeenResent || flight.isBound || flight.results.some(({ tag }) => tag === 'COMMIT'))
      return false
    const statement = flight.units[flight.completed]
    if (statement === undefined || (statement !== null && flight.parsing.includes(statement))) return false
    if (error.code === '26000') {
      this.#statements.clear()
      this.#cleaningBytes = null
    } else if (error.code === '0A000' && statement !== null) this.#statements.drop(statement)
    else return false
    // In the middle of a transaction of several flights there is no way back to its beginning.
    return !isBroken || flight.plan.begin !== null
  }

  #encodeCleaningBytes(): void {
    const encode = (steps: readonly Step[]): Buffer => {
      for (const step of steps) {
        const statement = this.#statements.get(step)
        statement.isPinned = true
        writer.bind(statement.name, step.values)
        writer.execute()
      }
      return writer.take()
    }
    this.#cleaningBytes = [encode(this.#cleaning[0]), encode(this.#cleaning[1])]
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
    const reason = this.#broken ?? new Error('the server closed the connection')
    for (const flight of this.#flights.splice(0)) {
      if (flight.error === null || flight.error !== reason) flight.lost = reason
      flight.onDone(flight)
    }
    this.#cancelling?.stop?.()
    const listeners = [...this.#listeners.values()].flat()
    this.#listeners.clear()
    this.onClosed(this)
    for (const { onLost } of listeners) onLost()
  }
}

const statusIdle = 0x49
const noTypes: readonly number[] = []
const commitStep: Step = { text: 'COMMIT', values: [], plan: '(transaction)' }
const rollbackStep: Step = { text: 'ROLLBACK', values: [], plan: '(transaction)' }
