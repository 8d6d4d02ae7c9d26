import type { DatabaseError, Step } from '../types.ts'
import { openingStep, stepsAfterBegin, stepsAfterWrite, stepsAtEnd, stepsBeforeBegin } from './cleaning.ts'
import type { Flight, FlightPlan } from './flight.ts'
import { StatementCache } from './statements.ts'
import { MessageWriter } from './writer.ts'

const statementsMax = 500

/** For parts that are encoded once and kept. */
const scratch = new MessageWriter()

/** Reads, after which LISTENs that some of them may have left are ended. */
const readsBetweenUnlisten = 64

/** Cleaning steps by the place where they stand. */
interface Cleaning<T> {
  readonly beforeBegin: T
  readonly afterBegin: T
  readonly afterWrite: T
  readonly atEnd: T
}

/** Turns flights into messages, by means of the statements that the server has prepared on this connection. */
export class FlightEncoder {
  readonly #statements = new StatementCache(statementsMax)
  #cleaning: Cleaning<readonly Step[]> = {
    beforeBegin: stepsBeforeBegin,
    afterBegin: stepsAfterBegin,
    afterWrite: stepsAfterWrite,
    atEnd: stepsAtEnd([]),
  }
  /** Bind and Execute of the cleaning steps, once they are all prepared. */
  #cleaningBytes: Cleaning<Buffer> | null = null
  /** Something may have been left that only writes leave. */
  #isDirty = true
  #isListening = false
  #reads = 0

  /** Quoted channels that must still be listened to after a request. */
  setListening(channels: readonly string[]): void {
    this.#isListening = channels.length > 0
    this.#cleaning = { ...this.#cleaning, atEnd: stepsAtEnd(channels) }
    this.#cleaningBytes = null
  }

  /** Throws on a value that cannot be encoded, and leaves nothing of the flight in the writer. */
  encode(flight: Flight, writer: MessageWriter): void {
    const before = writer.length
    try {
      this.#encode(flight, writer)
    } catch (error) {
      writer.truncate(before)
      // What was to be parsed in it never will be.
      this.#forget()
      throw error
    }
  }

  #encode(flight: Flight, writer: MessageWriter): void {
    const { plan } = flight
    for (const name of this.#statements.takeDropped()) writer.closeStatement(name)
    if (plan.script !== null) {
      this.#isDirty = true
      writer.query(plan.script)
      return
    }
    // At first everything, so that all of it is prepared.
    const isFirst = this.#cleaningBytes === null
    flight.isThorough = plan.clean && (this.#isDirty || isFirst)
    if (!plan.isSealed) this.#isDirty = true
    if (plan.clean) this.#encodeCleaning(flight, writer, 'beforeBegin')
    if (plan.begin !== null) this.#encodeStep(flight, writer, transactionStep(plan.begin.text))
    if (plan.clean) {
      this.#encodeCleaning(flight, writer, 'afterBegin')
      if (flight.isThorough) this.#encodeCleaning(flight, writer, 'afterWrite')
      this.#encodeStep(flight, writer, openingStep(plan))
    }
    flight.head = flight.units.length
    for (const step of plan.steps) this.#encodeStep(flight, writer, step)
    if (plan.clean && (isFirst || this.#mayHaveListened(plan))) this.#encodeCleaning(flight, writer, 'atEnd')
    if (plan.end !== null) this.#encodeStep(flight, writer, plan.end === 'commit' ? commitStep : rollbackStep)
    writer.sync()
  }

  #mayHaveListened(plan: FlightPlan): boolean {
    return !plan.isSealed || this.#isListening || ++this.#reads % readsBetweenUnlisten === 0
  }

  #encodeCleaning(flight: Flight, writer: MessageWriter, place: keyof Cleaning<unknown>): void {
    const steps = this.#cleaning[place]
    if (this.#cleaningBytes === null) {
      for (const step of steps) this.#encodeStep(flight, writer, step)
      return
    }
    writer.bytes(this.#cleaningBytes[place])
    for (let i = 0; i < steps.length; i++) flight.units.push(null)
  }

  #encodeStep(flight: Flight, writer: MessageWriter, step: Step): void {
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
    writer.bind(statement.name, step)
    writer.execute()
  }

  /** After a flight that ended well: what it has cleaned is clean, and what it has prepared is there. */
  confirm(flight: Flight): void {
    // Not before it is known: when a transaction fails, the temporary tables that it dropped are back.
    if (flight.isThorough && flight.plan.isSealed) this.#isDirty = false
    if (this.#cleaningBytes !== null || !flight.plan.clean) return
    const encode = (steps: readonly Step[]): Buffer => {
      for (const step of steps) {
        const statement = this.#statements.get(step)
        statement.isPinned = true
        scratch.bind(statement.name, step)
        scratch.execute()
      }
      return scratch.take()
    }
    const { beforeBegin, afterBegin, afterWrite, atEnd } = this.#cleaning
    this.#cleaningBytes = {
      beforeBegin: encode(beforeBegin),
      afterBegin: encode(afterBegin),
      afterWrite: encode(afterWrite),
      atEnd: encode(atEnd),
    }
  }

  /**
   * Whether a flight failed only because a statement was prepared for a world that is gone, and should be sent again, with
   * everything parsed anew: the server no longer has the statement (DEALLOCATE in a function), or its result type has
   * changed (DDL). Both are found at Bind, and the transaction is rolled back as a whole.
   */
  isStale(flight: Flight, error: DatabaseError, isBroken: boolean): boolean {
    if (flight.isReported || flight.hasBeenResent || flight.isBound) return false
    // After a COMMIT among the steps something is done already.
    if (flight.results.some(({ tag }) => tag === 'COMMIT')) return false
    const statement = flight.units[flight.completed]
    if (statement === undefined || (statement !== null && flight.parsing.includes(statement))) return false
    if (error.code === '26000') this.#forget()
    else if (error.code === '0A000' && statement !== null) this.#statements.drop(statement)
    else return false
    // In the middle of a transaction of several flights there is no way back to its beginning.
    return !isBroken || flight.plan.begin !== null
  }

  #forget(): void {
    this.#statements.clear()
    this.#cleaningBytes = null
  }
}

const noTypes: readonly number[] = []
const transactionStep = (text: string): Step => ({ text, values: [], plan: '(transaction)' })
const commitStep = transactionStep('COMMIT')
const rollbackStep = transactionStep('ROLLBACK')
