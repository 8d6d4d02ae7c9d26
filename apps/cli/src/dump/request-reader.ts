/**
 * Tells when what a client has sent so far ends with a whole message, so that an answer may be expected. libpq sends what is
 * longer than its buffer (8 KB) in pieces. Protocol 3.0: all but the first message begin with their type.
 */
export class RequestReader {
  #head = Buffer.alloc(0)
  #headLength = 4
  /** Bytes of the message that are still to come. */
  #rest = 0

  push(chunk: Uint8Array): boolean {
    let offset = 0
    while (offset < chunk.length) {
      const wanted = this.#rest > 0 ? this.#rest : this.#headLength - this.#head.length
      const taken = chunk.subarray(offset, offset + wanted)
      offset += taken.length
      if (this.#rest > 0) {
        this.#rest -= taken.length
        continue
      }
      this.#head = Buffer.concat([this.#head, taken])
      if (this.#head.length < this.#headLength) continue
      // The length counts itself.
      this.#rest = this.#head.readInt32BE(this.#headLength - 4) - 4
      this.#head = Buffer.alloc(0)
      this.#headLength = 5
    }
    return this.#rest === 0 && this.#head.length === 0
  }
}
