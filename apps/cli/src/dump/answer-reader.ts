/**
 * Gathers what a server sends until it waits for its client: after ReadyForQuery, or in the password dialogue.
 * Protocol 3.0, https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
export class AnswerReader {
  #chunks: Buffer[] = []
  #head = Buffer.alloc(0)
  /** Bytes of the message that are still to come. */
  #rest = 0
  #endsAnswer = false

  /** The whole answer, once its last byte has come; null before. */
  push(chunk: Buffer): Buffer | null {
    this.#chunks.push(chunk)
    let offset = 0
    while (offset < chunk.length) {
      if (this.#rest > 0) {
        const here = Math.min(this.#rest, chunk.length - offset)
        this.#rest -= here
        offset += here
        continue
      }
      // The type, the length, and of a request for authentication its kind.
      const wanted = this.#head[0] === authentication ? 9 : 5
      const taken = chunk.subarray(offset, offset + wanted - this.#head.length)
      this.#head = Buffer.concat([this.#head, taken])
      offset += taken.length
      if (this.#head.length < wanted || (wanted === 5 && this.#head[0] === authentication)) continue
      this.#endsAnswer =
        this.#head[0] === readyForQuery || (wanted === 9 && isQuestion(this.#head.readInt32BE(5)))
      this.#rest = this.#head.readInt32BE(1) + 1 - wanted
      this.#head = Buffer.alloc(0)
    }
    return this.#endsAnswer && this.#rest === 0 && this.#head.length === 0 ? this.take() : null
  }

  /** What has come so far; what follows begins anew. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#endsAnswer = false
    return bytes
  }
}

const authentication = 0x52
const readyForQuery = 0x5a

/** All but `ok` and the end of SASL, after which the server goes on by itself. */
const isQuestion = (kind: number): boolean => kind !== 0 && kind !== 12
