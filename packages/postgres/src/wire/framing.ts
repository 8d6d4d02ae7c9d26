/**
 * Cuts the byte stream of a server into messages. A message's bytes are a view of the chunk they came in; Node never
 * reuses a chunk, so what is kept of it stays valid (and keeps the chunk, 64 kB at most, alive).
 */
export type OnMessage = (type: number, chunk: Buffer, start: number, end: number) => void

/** Postgres refuses to send more than this in one message. */
const messageBytesMax = 0x4000_0000

export class Framing {
  readonly #onMessage: OnMessage
  #parts: Buffer[] = []
  #partsLength = 0
  /** Bytes that the message at the front needs; 0 while even its header is incomplete. */
  #needed = 0

  constructor(onMessage: OnMessage) {
    this.#onMessage = onMessage
  }

  /** Throws on bytes that cannot be the Postgres protocol; the connection is useless then. */
  push(bytes: Buffer): void {
    let chunk = bytes
    if (this.#partsLength > 0) {
      this.#parts.push(bytes)
      this.#partsLength += bytes.length
      if (this.#partsLength < this.#needed) return
      chunk = Buffer.concat(this.#parts, this.#partsLength)
      this.#parts = []
      this.#partsLength = 0
    }
    let offset = 0
    this.#needed = 0
    while (offset + 5 <= chunk.length) {
      const length = chunk.readUInt32BE(offset + 1)
      if (length < 4 || length > messageBytesMax)
        throw new Error('the server does not speak the Postgres protocol')
      const end = offset + 1 + length
      if (end > chunk.length) {
        this.#needed = 1 + length
        break
      }
      this.#onMessage(chunk[offset] ?? 0, chunk, offset + 5, end)
      offset = end
    }
    if (offset < chunk.length) {
      this.#parts.push(offset === 0 ? chunk : chunk.subarray(offset))
      this.#partsLength = chunk.length - offset
    }
  }
}

/** Message types of the server, as character codes. */
export const backend = {
  authentication: 0x52,
  backendKeyData: 0x4b,
  bindComplete: 0x32,
  closeComplete: 0x33,
  commandComplete: 0x43,
  copyBothResponse: 0x57,
  copyInResponse: 0x47,
  dataRow: 0x44,
  emptyQueryResponse: 0x49,
  errorResponse: 0x45,
  noData: 0x6e,
  notificationResponse: 0x41,
  parameterStatus: 0x53,
  parseComplete: 0x31,
  readyForQuery: 0x5a,
  rowDescription: 0x54,
} as const
