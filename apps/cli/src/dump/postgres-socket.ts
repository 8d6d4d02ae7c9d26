import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/**
 * A connection to a Postgres, encrypted when the server offers that (`sslmode=prefer`: nobody checks whose it is). Rejects with
 * the system's error.
 */
export async function openPostgresSocket(host: string, port: number): Promise<Socket> {
  const plain = connect({ host, port, noDelay: true })
  await new Promise<void>((resolve, reject) => plain.once('connect', resolve).once('error', reject))
  plain.write(sslRequest)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    plain.once('data', resolve)
    plain.once('close', () => reject(new Error('the server closed the connection')))
  })
  if (answer.toString('latin1') !== 'S') return plain
  const secure = connectTls({ socket: plain, rejectUnauthorized: false })
  await new Promise<void>((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
  return secure
}

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
