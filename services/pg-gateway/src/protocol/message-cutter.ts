/**
 * Cuts a stream of messages (a type, a length, a body) as it passes by. Most messages only have to get through: of those
 * nothing is copied or kept, also when they come in pieces. Those that somebody wants to see are gathered first.
 */
export interface MessageHandler {
  /**
   * How much of such a message has to be there before it is handled: `all`, a number of bytes of its body (or all of it
   * when it is shorter), or 0 when it just passes. `length` is that of the body.
   */
  needs(type: number, length: number): 'all' | number
  /**
   * Called once per message, in order. `bytes` begins with its type and holds what was asked for, or more. Returns true
   * to let the message pass as it is, null to drop it, or what takes the place of `bytes` (the rest of the message follows
   * unchanged). `hold` stops there: nothing is handled until `resume`, which begins with this message again.
   */
  handle(type: number, bytes: Buffer, length: number): true | Buffer | null | 'hold'
}

const headBytes = 5

export class MessageCutter {
  readonly #handler: MessageHandler
  /** The beginning of a message of which more is needed. */
  #kept: Buffer[] = []
  #keptLength = 0
  #wanted = headBytes
  /** Bytes of a handled message that are still to come, and whether they pass. */
  #rest = 0
  #isRestDropped = false
  #isHeld = false

  constructor(handler: MessageHandler) {
    this.#handler = handler
  }

  /** True when the stream stands between two messages. */
  get isAtRest(): boolean {
    return this.#rest === 0 && this.#keptLength === 0
  }

  /** Part of a message has passed, the rest is still to come. */
  get isMidMessage(): boolean {
    return this.#rest > 0
  }

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Goes on after `hold`; as `push`. */
  resume(): Buffer[] {
    this.#isHeld = false
    return this.push(Buffer.alloc(0))
  }

  /** Handles what came, and returns what is to be sent on, in order. Throws RangeError on bytes that are no messages. */
  push(bytes: Buffer): Buffer[] {
    const out: Buffer[] = []
    let chunk = bytes
    if (this.#keptLength > 0) {
      if (bytes.length > 0) this.#kept.push(bytes)
      this.#keptLength += bytes.length
      if (this.#isHeld || this.#keptLength < this.#wanted) return out
      chunk = Buffer.concat(this.#kept, this.#keptLength)
      this.#kept = []
      this.#keptLength = 0
    }
    let passed = 0
    let offset = 0
    const pass = (end: number): void => {
      if (end > passed) out.push(passed === 0 && end === chunk.length ? chunk : chunk.subarray(passed, end))
    }
    while (offset < chunk.length) {
      if (this.#rest > 0) {
        const here = Math.min(this.#rest, chunk.length - offset)
        if (this.#isRestDropped) {
          pass(offset)
          passed = offset + here
        }
        this.#rest -= here
        offset += here
        continue
      }
      const left = chunk.length - offset
      const length = left < headBytes ? 0 : chunk.readUInt32BE(offset + 1) - 4
      if (left >= headBytes && (length < 0 || length > messageBytesMax)) throw new RangeError('not a message')
      const type = chunk[offset] ?? 0
      const needs = left < headBytes ? 0 : this.#handler.needs(type, length)
      const needed = headBytes + (needs === 'all' ? length : Math.min(needs, length))
      if (left < needed) {
        pass(offset)
        this.#keep(chunk.subarray(offset), needed)
        return out
      }
      const here = Math.min(headBytes + length, left)
      const answer = this.#handler.handle(type, chunk.subarray(offset, offset + here), length)
      if (answer === 'hold') {
        pass(offset)
        this.#isHeld = true
        this.#keep(chunk.subarray(offset), headBytes)
        return out
      }
      this.#rest = headBytes + length - here
      this.#isRestDropped = answer === null
      if (answer !== true) {
        pass(offset)
        passed = offset + here
        if (answer !== null && answer.length > 0) out.push(answer)
      }
      offset += here
    }
    pass(chunk.length)
    return out
  }

  #keep(bytes: Buffer, wanted: number): void {
    // A copy: a few bytes must not keep their whole chunk alive for as long as a client is idle.
    this.#kept = [bytes.length < 1_024 ? Buffer.from(bytes) : bytes]
    this.#keptLength = bytes.length
    this.#wanted = wanted
  }
}

/** Postgres refuses longer messages of its own. */
const messageBytesMax = 0x4000_0000
