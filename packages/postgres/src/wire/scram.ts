/** SCRAM-SHA-256 (RFC 5802, 7677): the client's half, and the verifier that Postgres stores instead of a password. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from './saslprep.ts'

const pbkdf2Async = promisify(pbkdf2)
/** A hostile server could make us compute for hours. */
const iterationsMax = 1_000_000

/**
 * `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, for `ALTER ROLE … PASSWORD`, so that the password itself
 * never reaches the server or its log. Postgres' own count is 4096; a random password of 256 bits needs one.
 */
export async function buildScramVerifier(
  password: string,
  iterations = 4096,
  salt = randomBytes(16),
): Promise<string> {
  const { clientKey, serverKey } = await deriveKeys(password, salt, iterations)
  const storedKey = sha256(clientKey).toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey.toString('base64')}`
}

/**
 * What a password comes to under one salt and number of rounds: enough to sign in where the verifier is of the same salt and
 * rounds. A server learns the client key from a proof that it accepts, so a gateway can pass on who signed in to it.
 */
export interface ScramKeys {
  readonly clientKey: Buffer
  readonly serverKey: Buffer
}

/** What a verifier consists of; null when the text is none (no password, or an MD5 hash). */
export interface ScramVerifier {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export function parseScramVerifier(text: string): ScramVerifier | null {
  const [, iterations, salt, storedKey, serverKey] =
    /^SCRAM-SHA-256\$(\d{1,9}):([^$]+)\$([^:]+):(.+)$/.exec(text) ?? []
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return null
  const parsed = {
    iterations: Number(iterations),
    salt: Buffer.from(salt, 'base64'),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  }
  return parsed.storedKey.length === 32 && parsed.serverKey.length === 32 ? parsed : null
}

export interface ScramExchange {
  /** Client-first-message. */
  readonly first: string
  /** Answers the server-first-message with the client-final-message. */
  answer(serverFirst: string): Promise<string>
  /** Throws unless the server-final-message proves that the server knows the password too. */
  verify(serverFinal: string): void
}

/** With the password, or with keys that fit the server's verifier. */
export function startScram(secret: string | ScramKeys): ScramExchange {
  const nonce = randomBytes(18).toString('base64')
  const firstBare = `n=*,r=${nonce}`
  let serverSignature: Buffer | null = null
  return {
    first: `n,,${firstBare}`,
    async answer(serverFirst) {
      const { r: fullNonce = '', s: salt = '', i: count = '' } = attributes(serverFirst)
      const iterations = Number(count)
      if (!fullNonce.startsWith(nonce) || fullNonce.length === nonce.length || salt === '') {
        throw new Error('SCRAM: the server sent a malformed challenge')
      }
      if (!Number.isInteger(iterations) || iterations < 1 || iterations > iterationsMax) {
        throw new Error('SCRAM: the server asks for an unacceptable number of iterations')
      }
      const { clientKey, serverKey } =
        typeof secret === 'string'
          ? await deriveKeys(secret, Buffer.from(salt, 'base64'), iterations)
          : secret
      const finalBare = `c=biws,r=${fullNonce}`
      const authMessage = `${firstBare},${serverFirst},${finalBare}`
      const clientSignature = hmac(sha256(clientKey), authMessage)
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (clientSignature[i] ?? 0)))
      serverSignature = hmac(serverKey, authMessage)
      return `${finalBare},p=${proof.toString('base64')}`
    },
    verify(serverFinal) {
      const sent = Buffer.from(attributes(serverFinal).v ?? '', 'base64')
      if (
        serverSignature === null ||
        sent.length !== serverSignature.length ||
        !timingSafeEqual(sent, serverSignature)
      ) {
        throw new Error('SCRAM: the server could not prove that it knows the password')
      }
    },
  }
}

async function deriveKeys(password: string, salt: Buffer, iterations: number): Promise<ScramKeys> {
  const salted = await pbkdf2Async(saslprep(password), salt, iterations, 32, 'sha256')
  return { clientKey: hmac(salted, 'Client Key'), serverKey: hmac(salted, 'Server Key') }
}
const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
const attributes = (message: string): Partial<Record<string, string>> =>
  Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]))
