/**
 * The server's half of SCRAM-SHA-256 (RFC 5802, 7677), against the verifier that Postgres holds. A proof that is right
 * shows the client's key, with which the gateway signs in to the backend as the same role: no password is stored here, and
 * one that is changed inside Postgres is good at once.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ScramKeys, ScramVerifier } from '@favo/postgres'
import { refusals } from '../errors.ts'

export interface ScramServer {
  /** Answers the client-first-message. Throws Refusal when it is malformed. */
  challenge(mechanism: string, clientFirst: string): string
  /** Checks the client-final-message: null when the password was wrong. Throws Refusal when it is malformed. */
  verify(clientFinal: string): { readonly keys: ScramKeys; readonly serverFinal: string } | null
}

export const plainMechanism = 'SCRAM-SHA-256'
export const boundMechanism = 'SCRAM-SHA-256-PLUS'

/**
 * `binding` is the `tls-server-end-point` of the connection, null without TLS. A verifier of somebody who does not exist
 * (`isReal` false) leads through the same dialogue and never to success.
 */
export function startScramServer(
  verifier: ScramVerifier,
  isReal: boolean,
  binding: Buffer | null,
): ScramServer {
  let gs2Header = ''
  let clientFirstBare = ''
  let serverFirst = ''
  let nonce = ''
  let isBound = false
  return {
    challenge(mechanism, clientFirst) {
      isBound = mechanism === boundMechanism
      if (!isBound && mechanism !== plainMechanism)
        throw refusals.protocolViolation('client selected an invalid SASL authentication mechanism')
      if (isBound && binding === null) throw malformed()
      const [, header = '', bare = '', clientNonce = ''] =
        /^((?:[ny]|p=tls-server-end-point),(?:a=[^,]*)?,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(
          clientFirst,
        ) ?? []
      if (bare === '' || header.startsWith('p') !== isBound) throw malformed()
      // "y": the client could bind the channel but believes that the server cannot; here somebody took the offer out.
      if (header.startsWith('y') && binding !== null)
        throw refusals.protocolViolation('SCRAM channel binding negotiation error')
      gs2Header = header
      clientFirstBare = bare
      nonce = clientNonce + randomBytes(18).toString('base64')
      serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`
      return serverFirst
    },
    verify(clientFinal) {
      const [, withoutProof = '', channel = '', finalNonce = '', proofText = ''] =
        /^(c=([^,]*),r=([^,]*)(?:,[^,]*)*?),p=([A-Za-z0-9+/=]+)$/s.exec(clientFinal) ?? []
      const proof = Buffer.from(proofText, 'base64')
      const expected = Buffer.concat([
        Buffer.from(gs2Header),
        isBound && binding !== null ? binding : Buffer.alloc(0),
      ])
      if (proof.length !== 32 || finalNonce !== nonce || channel !== expected.toString('base64'))
        throw malformed()

      const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
      const signature = hmac(verifier.storedKey, authMessage)
      const clientKey = Buffer.from(proof.map((byte, i) => byte ^ (signature[i] ?? 0)))
      const isRight = timingSafeEqual(sha256(clientKey), verifier.storedKey)
      if (!isRight || !isReal) return null
      return {
        keys: { clientKey, serverKey: verifier.serverKey },
        serverFinal: `v=${hmac(verifier.serverKey, authMessage).toString('base64')}`,
      }
    },
  }
}

/**
 * For users that do not exist: a salt that is the same each time, as a real one's would be, and keys that nothing fits.
 * 4,096 rounds are what Postgres gives to passwords that people choose.
 */
export function inventVerifier(secret: Buffer, user: string): ScramVerifier {
  return {
    iterations: 4_096,
    salt: hmac(secret, `salt ${user}`).subarray(0, 16),
    storedKey: randomBytes(32),
    serverKey: randomBytes(32),
  }
}

const malformed = () => refusals.protocolViolation('malformed SCRAM message')
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
