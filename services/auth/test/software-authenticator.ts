import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

type Cbor = number | string | Buffer | Map<number | string, Cbor>

/** As much of CBOR as attestations need. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  const pairs = [...value].flatMap(([key, member]) => [cbor(key), cbor(member)])
  return Buffer.concat([head(5, value.size), ...pairs])
}

function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(major << 5) | count])
  if (count < 256) return Buffer.from([(major << 5) | 24, count])
  return Buffer.from([(major << 5) | 25, count >> 8, count & 255])
}

export interface CreationOptions {
  readonly challenge: string
  readonly rp: { readonly id: string }
  readonly user: { readonly id: string; readonly name: string }
}

export interface RequestOptions {
  readonly challenge: string
  readonly rpId: string
}

interface Kept {
  readonly id: Buffer
  readonly privateKey: KeyObject
  readonly handle: string
}

const FLAG_USER_PRESENT = 0x01
const FLAG_USER_VERIFIED = 0x04
const FLAG_CREDENTIAL = 0x40

/** A WebAuthn authenticator and the browser before it, with keys on P-256 and attestation `none`. */
export class SoftwareAuthenticator {
  origin: string
  /** Of all credentials, as cheap keys do it. */
  signCount = 0
  isUserPresent = true
  #kept: Kept | null = null

  constructor(origin: string) {
    this.origin = origin
  }

  create(options: CreationOptions): Record<string, unknown> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const id = randomBytes(32)
    this.#kept = { id, privateKey, handle: options.user.id }
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    const cose = cbor(
      new Map<number, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    )
    const length = Buffer.from([id.length >> 8, id.length & 255])
    const authData = Buffer.concat([
      this.#authenticatorData(options.rp.id, FLAG_CREDENTIAL),
      Buffer.alloc(16),
      length,
      id,
      cose,
    ])
    const attestation = cbor(
      new Map<string, Cbor>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    )
    return this.#credential(id, {
      clientDataJSON: this.#clientData('webauthn.create', options.challenge).toString('base64url'),
      attestationObject: attestation.toString('base64url'),
      transports: ['internal'],
    })
  }

  get(options: RequestOptions): Record<string, unknown> {
    if (this.#kept === null) throw new Error('no credential was made yet')
    const { id, privateKey, handle } = this.#kept
    this.signCount += 1
    const authData = this.#authenticatorData(options.rpId, 0)
    const clientData = this.#clientData('webauthn.get', options.challenge)
    const signed = Buffer.concat([authData, sha256(clientData)])
    return this.#credential(id, {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: sign('sha256', signed, privateKey).toString('base64url'),
      userHandle: handle,
    })
  }

  #credential(id: Buffer, response: object): Record<string, unknown> {
    const text = id.toString('base64url')
    return { id: text, rawId: text, type: 'public-key', clientExtensionResults: {}, response }
  }

  #authenticatorData(rpId: string, flags: number): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(this.signCount)
    const present = this.isUserPresent ? FLAG_USER_PRESENT | FLAG_USER_VERIFIED : 0
    return Buffer.concat([sha256(rpId), Buffer.from([flags | present]), count])
  }

  #clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false }))
  }
}

const sha256 = (input: string | Buffer) => createHash('sha256').update(input).digest()
