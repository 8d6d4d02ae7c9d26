import type { DatabaseError, Step } from '../types.ts'
import { checkStep, stepsAfterBegin, stepsAtEnd, stepsBeforeBegin } from './cleaning.ts'
import type { Flight } from './flight.ts'
import { StatementCache } from './statements.ts'
import { MessageWriter } from './writer.ts'

const statementsMax = 500

/** For parts that are encoded once and kept. */
const scratch = new MessageWriter()

type Part = 0 | 1 | 2

/** Turns flights into messages, by means of the statements that the server has prepared on this connection. */
export class FlightEncoder {
  readonly #statements = new StatementCache(statementsMax)
  #cleaning: readonly [readonly Step[], readonly Step[], readonly Step[]] = [
    stepsBeforeBegin,
    stepsAfterBegin,
    stepsAtEnd([]),
  ]
  /** Bind and Execute of the cleaning steps, once they are all prepared. */
  #cleaningBytes: readonly [Buffer, Buffer, Buffer] | null = null

  /** Quoted channels that must still be listened to after a request. */
  setListening(channels: readonly string[]): void {
    this.#cleaning = [stepsBeforeBegin, stepsAfterBegin, stepsAtEnd(channels)]
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
      writer.query(plan.script)
      return
    }
    if (plan.clean) this.#encodeCleaning(flight, writer, 0)
    if (plan.begin !== null) this.#encodeStep(flight, writer, transactionStep(plan.begin.text))
    if (plan.clean) {
      this.#encodeCleaning(flight, writer, 1)
      this.#encodeStep(flight, writer, checkStep(plan.begin))
    }
    flight.head = flight.units.length
    for (const step of plan.steps) this.#encodeStep(flight, writer, step)
    if (plan.clean) this.#encodeCleaning(flight, writer, 2)
    if (plan.end !== null) this.#encodeStep(flight, writer, plan.end === 'commit' ? commitStep : rollbackStep)
    writer.sync()
  }

  #encodeCleaning(flight: Flight, writer: MessageWriter, part: Part): void {
    const steps = this.#cleaning[part]
    if (this.#cleaningBytes === null) {
      for (const step of steps) this.#encodeStep(flight, writer, step)
      return
    }
    writer.bytes(this.#cleaningBytes[part])
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
    writer.bind(statement.name, step.values)
    writer.execute()
  }

  /** After a flight that ended well everything in front of it is prepared, and its bytes are always the same. */
  keepCleaning(flight: Flight): void {
    if (this.#cleaningBytes !== null || !flight.plan.clean || flight.error !== null) return
    const encode = (steps: readonly Step[]): Buffer => {
      for (const step of steps) {
        const statement = this.#statements.get(step)
        statement.isPinned = true
        scratch.bind(statement.name, step.values)
        scratch.execute()
      }
      return scratch.take()
    }
    const [before, after, end] = this.#cleaning
    this.#cleaningBytes = [encode(before), encode(after), encode(end)]
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
