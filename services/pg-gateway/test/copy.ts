import type { Client, Connection, Submittable } from 'pg'

interface CopyConnection extends Connection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** A COPY by node-postgres, as its own streams do it. */
class Copy implements Submittable {
  readonly done: Promise<string>
  readonly #text: string
  readonly #data: readonly string[]
  #received = ''
  #resolve: (received: string) => void = () => undefined
  #reject: (error: Error) => void = () => undefined

  constructor(text: string, data: readonly string[]) {
    this.#text = text
    this.#data = data
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  submit(connection: Connection): void {
    ;(connection as CopyConnection).query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (const piece of this.#data) connection.sendCopyFromChunk(Buffer.from(piece))
    connection.endCopyFrom()
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.#received += chunk.toString()
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}

  handleError(error: Error): void {
    this.#reject(error)
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#received)
  }
}

export const copyIn = (client: Client, text: string, data: readonly string[]): Promise<string> =>
  client.query(new Copy(text, data)).done

export const copyOut = (client: Client, text: string): Promise<string> =>
  client.query(new Copy(text, [])).done
