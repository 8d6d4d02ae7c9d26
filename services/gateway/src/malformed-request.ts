import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '@favo/runtime'
import { refusals, type Refusal } from './errors.ts'

const byCode: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: refusals.headersTooLarge,
  ERR_HTTP_REQUEST_TIMEOUT: refusals.requestTimeout,
}

/** For what Node's parser gives up on before there is a request: no id, no project, only a socket to answer on and close. */
export function answerMalformedRequest(log: Logger) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // ECONNRESET: nobody is listening any more.
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy(error)
      return
    }
    const refusal = byCode[error.code ?? ''] ?? refusals.badRequest
    const body = JSON.stringify(refusal.body)
    log.info({ project: null, status: refusal.status, code: refusal.code, parser: error.code }, 'request')
    socket.end(
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n` +
        'content-type: application/json; charset=utf-8\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}
