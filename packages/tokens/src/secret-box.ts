import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Encrypts secrets at rest with the master key: AES-256-GCM, 12-byte nonce, 16-byte tag.
 *
 * The context (`project:<ref>:jwt_secret`) is authenticated with it, so a ciphertext cannot be moved to another row.
 * Form: `v1.<base64url of nonce, ciphertext, tag>`.
 */
export class SecretBox {
  readonly #key: Buffer
  readonly #masterKey: Buffer

  constructor(masterKey: Buffer) {
    if (masterKey.length !== 32) throw new Error('the master key must be 32 bytes')
    this.#masterKey = masterKey
    this.#key = this.derive('secret-box')
  }

  seal(plain: string, context: string): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: 16 }).setAAD(
      Buffer.from(context),
    )
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return `v1.${sealed.toString('base64url')}`
  }

  /** Throws when the text was changed, belongs to another context, or was made with another master key. */
  open(sealed: string, context: string): string {
    const bytes = Buffer.from(sealed.slice(3), 'base64url')
    if (!sealed.startsWith('v1.') || bytes.length < 28) throw new Error(`unreadable secret: ${context}`)
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12), {
        authTagLength: 16,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
    } catch {
      throw new Error(`unreadable secret: ${context} (was it made with another master key?)`)
    }
  }

  /** A key for one purpose, for example a login's password: needs no storage and cannot be turned back into the master key. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#masterKey, Buffer.alloc(0), `favo:${purpose}`, 32))
  }
}
