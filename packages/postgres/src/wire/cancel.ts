import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { socketAddress, type Endpoint } from './endpoint.ts'

/**
 * Asks the server to interrupt whatever a backend is doing. Resolves when the server has closed the socket, which it does
 * after the signal was sent; a statement that starts later on that backend is not hit. Rejects when that is not known.
 */
export function sendCancelRequest(
  endpoint: Endpoint,
  backend: { readonly processId: number; readonly secretKey: Buffer },
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const packet = Buffer.alloc(12 + backend.secretKey.length)
    packet.writeInt32BE(packet.length, 0)
    packet.writeInt32BE(80_877_102, 4)
    packet.writeInt32BE(backend.processId, 8)
    backend.secretKey.copy(packet, 12)

    const socket = connect({ ...socketAddress(endpoint), noDelay: true })
    const timer = setTimeout(
      () => socket.destroy(new Error('the cancel request was not answered')),
      timeoutMs,
    )
    let isSent = false
    socket.once('connect', () => {
      if (endpoint.tls === undefined) {
        isSent = true
        socket.write(packet)
        return
      }
      socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]))
      socket.once('data', () => {
        const secure = connectTls({ host: endpoint.host, ...endpoint.tls, socket }, () => {
          isSent = true
          secure.write(packet)
        })
        secure.once('error', (error: Error) => socket.destroy(error))
      })
    })
    socket.resume()
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    socket.once('close', () => {
      clearTimeout(timer)
      if (isSent) resolve()
      else reject(new Error('the server refused the cancel request'))
    })
  })
}
