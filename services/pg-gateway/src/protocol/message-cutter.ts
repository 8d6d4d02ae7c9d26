/**
 * Cuts a stream of messages (a type, a length, a body) as it passes by. Most messages only have to get through: of those
 * nothing is copied or kept, also when they come in pieces. Those that somebody wants to see are gathered first.
 */
export interface MessageHandler {
  /**
   * How much of such a message has to be there before it is handled: a number of bytes of its body (or all of it when it is
   * shorter), `whole`, or `passes` when it is not to be handled at all. `length` is that of the body.
   */
  needs(type: number, length: number): number
  /**
   * Called once per message, in order. It begins with its type at `start`; what was asked for of it, or more, is there up to
   * `end`. Returns true to let the message pass as it is, null to drop it, or what takes the place of those bytes (the rest of
   * the message follows unchanged). `hold` stops there: nothing is handled until `resume`, which begins with this message again.
   */
  handle(
    type: number,
    chunk: Buffer,
    start: number,
    end: number,
    length: number,
  ): true | Buffer | null | 'hold'
}

/** Answers of `needs`. */
export const passes = -1
export const whole = 2 ** 31

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
    const size = chunk.length
    let passed = 0
    let offset = 0
    while (offset < size) {
      if (this.#rest > 0) {
        const here = Math.min(this.#rest, size - offset)
        if (this.#isRestDropped) {
          pass(out, chunk, passed, offset)
          passed = offset + here
        }
        this.#rest -= here
        offset += here
        continue
      }
      const left = size - offset
      if (left < headBytes) {
        pass(out, chunk, passed, offset)
        this.#keep(chunk.subarray(offset), headBytes)
        return out
      }
      const length = chunk.readInt32BE(offset + 1) - 4
      if (length < 0 || length > messageBytesMax) throw new RangeError('not a message')
      const type = chunk[offset] ?? 0
      const end = offset + Math.min(headBytes + length, left)
      const needs = this.#handler.needs(type, length)
      if (needs === passes) {
        this.#rest = headBytes + length - (end - offset)
        this.#isRestDropped = false
        offset = end
        continue
      }
      const needed = headBytes + Math.min(needs, length)
      if (left < needed) {
        pass(out, chunk, passed, offset)
        this.#keep(chunk.subarray(offset), needed)
        return out
      }
      const answer = this.#handler.handle(type, chunk, offset, end, length)
      if (answer === 'hold') {
        pass(out, chunk, passed, offset)
        this.#isHeld = true
        this.#keep(chunk.subarray(offset), headBytes)
        return out
      }
      this.#rest = headBytes + length - (end - offset)
      this.#isRestDropped = answer === null
      if (answer !== true) {
        pass(out, chunk, passed, offset)
        passed = end
        if (answer !== null && answer.length > 0) out.push(answer)
      }
      offset = end
    }
    pass(out, chunk, passed, size)
    return out
  }

  #keep(bytes: Buffer, wanted: number): void {
    // A copy: a few bytes must not keep their whole chunk alive for as long as a client is idle.
    this.#kept = [bytes.length < 1_024 ? Buffer.from(bytes) : bytes]
    this.#keptLength = bytes.length
    this.#wanted = wanted
  }
}

function pass(out: Buffer[], chunk: Buffer, from: number, to: number): void {
  if (to > from) out.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to))
}

/** Postgres refuses longer messages of its own. */
const messageBytesMax = 0x4000_0000
