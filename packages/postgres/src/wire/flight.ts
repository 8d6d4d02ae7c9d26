import type { DatabaseError, Field, Setting, SharedSettings, Step, StepResult } from '../types.ts'
import type { Statement } from './statements.ts'

/** What goes to the server in one write and is answered by one ReadyForQuery. */
export interface FlightPlan {
  /** Puts the statements in front that undo whatever an earlier request left on the connection. */
  readonly clean: boolean
  /** Set for the transaction in front of the steps; only where it cleans. */
  readonly settings: readonly Setting[] | SharedSettings
  /** Read-only in a way that the statements cannot take back. */
  readonly isSealed: boolean
  /** `BEGIN …`, or null for the implicit transaction. */
  readonly begin: Begin | null
  readonly steps: readonly Step[]
  readonly end: 'commit' | 'rollback' | null
  /** Part of a transaction of several flights: the connection is not rolled back when it is over. */
  readonly keepsTransaction: boolean
  /** Text for the simple protocol (several statements, no parameters), instead of steps. */
  readonly script: string | null
  /** Under what its speed is remembered; null for what never shares a connection with others. */
  readonly shareKey: string | null
}

export interface Begin {
  readonly text: string
  /** What the text does not spell out, and so comes from the session's defaults. */
  readonly inheritsIsolation: boolean
  readonly inheritsReadOnly: boolean
}

interface Row {
  fields: readonly Field[]
  rows: (readonly (Buffer | null)[])[]
  tag: string
}

/** The state of a flight that has been sent. The connection fills it in; `onDone` is called once, at the very end. */
export class Flight {
  readonly plan: FlightPlan
  readonly onDone: (flight: Flight) => void
  /** Statements before the first step: cleaning and BEGIN. */
  head = 0
  /** How many statements have completed, head included. */
  completed = 0
  isBound = false
  /** Anything at all was received: from here on the server has begun to work on it. */
  isAnswered = false
  hasBeenResent = false
  /** Clears away what only writes leave. */
  isThorough = false
  /** By unit, those that were bound by name without being parsed in this flight are the ones that can be stale. */
  units: (Statement | null)[] = []
  /** Statements parsed in this flight, in order. */
  parsing: Statement[] = []
  parsed = 0
  results: Row[] = []
  rows: (readonly (Buffer | null)[])[] = []
  scriptFields: readonly Field[] = []
  /** How long it will take, as far as is known. */
  expectedMs = 0
  /** `onDone` has been called. */
  isReported = false
  /** The database said no; the connection is fine. */
  error: DatabaseError | null = null
  /** The error came from the cleaning in front: nothing of the request was tried. */
  isPreludeError = false
  /** It could not be encoded; nothing was sent. */
  invalid: Error | null = null
  /** The connection broke. */
  lost: Error | null = null
  /** It broke with an error of the server before a single answer: the server did not start on this flight. */
  isUntouched = false

  constructor(plan: FlightPlan, onDone: (flight: Flight) => void) {
    this.plan = plan
    this.onDone = onDone
  }

  reset(): void {
    this.completed = 0
    this.isBound = false
    this.units = []
    this.parsing = []
    this.parsed = 0
    this.results = []
    this.rows = []
    this.error = null
    this.isPreludeError = false
  }

  /** The step being worked on, -1 before the first, null after the last. */
  get step(): number | null {
    const step = this.completed - this.head
    if (step < 0) return -1
    return step < this.plan.steps.length ? step : null
  }

  /** Of what stands in front of the steps nobody reads the rows. */
  get isInSteps(): boolean {
    return this.completed >= this.head
  }

  /** A statement is complete; its command tag stands at `start`. */
  complete(chunk: Buffer, start: number, end: number): void {
    const unit = this.completed++
    this.isBound = false
    if (this.plan.script !== null) {
      const tag = chunk.toString('latin1', start, end)
      this.results.push({ fields: this.scriptFields, rows: this.rows, tag })
      this.rows = []
      this.scriptFields = noFields
    } else if (unit >= this.head && unit < this.head + this.plan.steps.length) {
      const tag = chunk.toString('latin1', start, end)
      this.results.push({ fields: this.units[unit]?.fields ?? noFields, rows: this.rows, tag })
      this.rows = []
    }
  }
}

const noFields: readonly Field[] = []

/** What plans have in common that are neither cleaned nor parts of a longer transaction. */
export const plainFlight: FlightPlan = {
  clean: false,
  settings: [],
  isSealed: false,
  begin: null,
  steps: [],
  end: null,
  keepsTransaction: false,
  script: null,
  shareKey: null,
}

export type FlightResult = readonly StepResult[]
