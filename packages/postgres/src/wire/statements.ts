import { randomBytes } from 'node:crypto'
import type { Field, Step } from '../types.ts'

/** A statement as one connection knows it. */
export class Statement {
  readonly name: string
  readonly text: string
  /** True once the server has confirmed the Parse; only then may a Bind rely on the name. */
  isReady = false
  /** True while a Parse is underway. */
  isParsing = false
  fields: readonly Field[] = []
  lastUsed = 0
  /** Never evicted: something relies on its name without asking the cache. */
  isPinned = false
  constructor(name: string, text: string) {
    this.name = name
    this.text = text
  }
}

/**
 * The prepared statements of one connection, found by plan and text, bounded, least recently used dropped first.
 *
 * Names are random: SQL that a customer's function was tricked into running on this connection could DEALLOCATE a name it
 * knows and PREPARE something else under it, which the next request would then run under another role.
 */
export class StatementCache {
  readonly #prefix = randomBytes(15).toString('base64url')
  readonly #byPlan = new Map<string, Map<string, Statement>>()
  readonly #sizeMax: number
  #size = 0
  #clock = 0
  #named = 0
  /** Names that the server should forget, sent with the next flight. */
  #dropped: string[] = []

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax
  }

  /** The statement for a step; a new, unnamed one where the step does not want a name. */
  get(step: Step): Statement {
    if (step.plan === null) return new Statement('', step.text)
    let texts = this.#byPlan.get(step.plan)
    if (texts === undefined) this.#byPlan.set(step.plan, (texts = new Map<string, Statement>()))
    let statement = texts.get(step.text)
    if (statement === undefined) {
      if (this.#size >= this.#sizeMax) this.#evict()
      statement = new Statement(`${this.#prefix}${(this.#named++).toString(36)}`, step.text)
      texts.set(step.text, statement)
      this.#size++
    }
    statement.lastUsed = ++this.#clock
    return statement
  }

  get size(): number {
    return this.#size
  }

  /** Forgets a statement that the server no longer has, or whose result has changed its type. */
  drop(statement: Statement): void {
    for (const texts of this.#byPlan.values()) {
      if (texts.get(statement.text) !== statement) continue
      texts.delete(statement.text)
      this.#size--
      this.#dropped.push(statement.name)
    }
  }

  /** Forgets everything: somebody ran DEALLOCATE ALL. */
  clear(): void {
    for (const texts of this.#byPlan.values()) for (const { name } of texts.values()) this.#dropped.push(name)
    this.#byPlan.clear()
    this.#size = 0
  }

  takeDropped(): readonly string[] {
    if (this.#dropped.length === 0) return none
    const dropped = this.#dropped
    this.#dropped = []
    return dropped
  }

  /** A tenth at once, so that the scan is rare. */
  #evict(): void {
    const all = [...this.#byPlan.values()]
      .flatMap((texts) => [...texts.values()])
      .filter((statement) => statement.isReady && !statement.isPinned)
    all.sort((a, b) => a.lastUsed - b.lastUsed)
    for (const statement of all.slice(0, Math.ceil(this.#sizeMax / 10))) this.drop(statement)
  }
}

const none: readonly string[] = []
