import type { Readable } from 'node:stream'

/** What a handler answers when it is no JSON and its type depends on the request. */
export class StreamAnswer {
  readonly contentType: string
  readonly stream: Readable
  constructor(contentType: string, stream: Readable) {
    this.contentType = contentType
    this.stream = stream
  }
}
