import type { Step } from '../types.ts'

/**
 * A growing scratch buffer into which messages are written; `take` copies them out, so that all that is sent in one turn of
 * the event loop is one allocation and one write to the socket.
 */
export class MessageWriter {
  #buffer = Buffer.allocUnsafe(initialBytes)
  #length = 0

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }

  /** Bytes that were encoded before. */
  bytes(bytes: Buffer): void {
    this.#reserve(bytes.length)
    bytes.copy(this.#buffer, this.#length)
    this.#length += bytes.length
  }

  /** Prepares a statement; an empty name is the unnamed one. */
  parse(name: string, text: string, types: readonly number[]): void {
    const start = this.#begin(0x50, name.length * 3 + text.length * 3 + types.length * 4 + 4)
    this.#cstring(name)
    this.#cstring(text)
    this.#int16(types.length)
    for (const type of types) this.#int32(type)
    this.#end(start)
  }

  describeStatement(name: string): void {
    const start = this.#begin(0x44, name.length * 3 + 2)
    this.#buffer[this.#length++] = 0x53
    this.#cstring(name)
    this.#end(start)
  }

  closeStatement(name: string): void {
    const start = this.#begin(0x43, name.length * 3 + 2)
    this.#buffer[this.#length++] = 0x53
    this.#cstring(name)
    this.#end(start)
  }

  /** Binds the unnamed portal; results come in text format. A Buffer is sent in binary format. */
  bind(name: string, { values, encoded }: Pick<Step, 'values' | 'encoded'>): void {
    const start = this.#begin(0x42, name.length * 3 + 10 + values.length * 2)
    this.#buffer[this.#length++] = 0
    this.#cstring(name)
    if (encoded === undefined) this.#values(values)
    else if (encoded.bytes !== null) this.bytes(encoded.bytes)
    else {
      const valuesStart = this.#length
      this.#values(values)
      encoded.bytes = Buffer.from(this.#buffer.subarray(valuesStart, this.#length))
    }
    this.#end(start)
  }

  /** From the parameters' formats on. */
  #values(values: Step['values']): void {
    let hasBinary = false
    for (const value of values) if (value !== null && typeof value !== 'string') hasBinary = true
    if (hasBinary) {
      this.#int16(values.length)
      for (const value of values) this.#int16(value === null || typeof value === 'string' ? 0 : 1)
    } else this.#int16(0)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#reserve(2)
    this.#int16(0)
  }

  execute(): void {
    this.bytes(executeUnnamed)
  }

  sync(): void {
    this.bytes(syncMessage)
  }

  /** The simple protocol: several statements in one text. */
  query(text: string): void {
    const start = this.#begin(0x51, text.length * 3 + 1)
    this.#cstring(text)
    this.#end(start)
  }

  /** What was written since the last `take`. */
  take(): Buffer {
    const flight = Buffer.allocUnsafe(this.#length)
    this.#buffer.copy(flight, 0, 0, this.#length)
    this.#length = 0
    // One huge request must not keep its size in memory for ever.
    if (this.#buffer.length > keptBytesMax) this.#buffer = Buffer.allocUnsafe(initialBytes)
    return flight
  }

  get length(): number {
    return this.#length
  }

  /** Forgets what was written after `length`, because the rest of it could not be encoded. */
  truncate(length: number): void {
    this.#length = length
  }

  #begin(type: number, bytes: number): number {
    this.#reserve(bytes + 5)
    this.#buffer[this.#length] = type
    const start = this.#length
    this.#length += 5
    return start
  }

  #end(start: number): void {
    this.#buffer.writeInt32BE(this.#length - start - 1, start + 1)
  }

  #cstring(text: string): void {
    this.#length += this.#buffer.write(text, this.#length)
    this.#buffer[this.#length++] = 0
  }

  #value(value: string | Buffer | null): void {
    if (value === null) {
      this.#reserve(4)
      this.#int32(-1)
    } else if (typeof value === 'string') {
      this.#reserve(value.length * 3 + 4)
      const bytes = this.#buffer.write(value, this.#length + 4)
      this.#int32(bytes)
      this.#length += bytes
    } else {
      this.#reserve(value.length + 4)
      this.#int32(value.length)
      value.copy(this.#buffer, this.#length)
      this.#length += value.length
    }
  }

  #int16(value: number): void {
    this.#buffer[this.#length++] = value >>> 8
    this.#buffer[this.#length++] = value & 0xff
  }

  #int32(value: number): void {
    this.#length = this.#buffer.writeInt32BE(value | 0, this.#length)
  }
}

const initialBytes = 4_096
const keptBytesMax = 262_144
const executeUnnamed = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0])
const syncMessage = Buffer.from([0x53, 0, 0, 0, 4])
export const terminateMessage = Buffer.from([0x58, 0, 0, 0, 4])
