import { generateKeyPair } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { selfSignedCertificate } from '@favo/tokens'

export interface TlsFront {
  readonly url: string
  /** What a client must trust. */
  readonly certificateFile: string
  close(): Promise<void>
}

/** TLS in front of a port of this machine, as Caddy or nginx stands in front of a deployment. */
export async function startTlsFront(port: number): Promise<TlsFront> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const base64 = selfSignedCertificate(key, 'favo.test', ['127.0.0.1', 'localhost'])
  const cert = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
  const directory = await mkdtemp(join(tmpdir(), 'favo-tls-'))
  const certificateFile = join(directory, 'certificate.pem')
  await writeFile(certificateFile, cert)

  const server = createServer({ key, cert }, (socket) => {
    const behind = connect(port, '127.0.0.1')
    socket.pipe(behind).pipe(socket)
    const end = () => {
      socket.destroy()
      behind.destroy()
    }
    socket.on('error', end).on('close', end)
    behind.on('error', end).on('close', end)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no address')
  return {
    url: `https://127.0.0.1:${bound.port}`,
    certificateFile,
    close: async () => {
      server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
