import { createPublicKey, verify } from 'node:crypto'
import type { MessageDialect, SignedMessage } from './signed-message.ts'

export const solana: MessageDialect = {
  name: 'siws',
  title: 'Solana',
  address: /^[a-zA-Z0-9]{32,44}$/,
  addressProblem: 'wallet address is not in base58 format',
  isChainId: (text) => text === '' || /^solana:(main|dev|test|local)net$/.test(text),
}

/** Whether the key that is the message's address signed it: as it is, or wrapped as Ledger's devices do it. */
export function isSolanaSignature(message: SignedMessage, signature: Buffer): boolean {
  const key = decodeBase58(message.address)
  if (key?.length !== 32 || signature.length !== 64) return false
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') },
    format: 'jwk',
  })
  const text = Buffer.from(message.raw)
  return [text, wrapOffchain(message, text, key)].some((signed) => verify(null, signed, publicKey, signature))
}

/** https://docs.anza.xyz/proposals/off-chain-message-signing */
function wrapOffchain({ domain }: SignedMessage, text: Buffer, key: Buffer): Buffer {
  const application = Buffer.alloc(32)
  application.write(domain)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(text.length & 0xffff)
  return Buffer.concat([
    Buffer.from([0xff]),
    Buffer.from('solana offchain'),
    Buffer.from([0]),
    application,
    Buffer.from([0, 1]),
    key,
    length,
    text,
  ])
}

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** Null when a character is none of base58's. */
export function decodeBase58(text: string): Buffer | null {
  let value = 0n
  for (const character of text) {
    const digit = ALPHABET.indexOf(character)
    if (digit === -1) return null
    value = value * 58n + BigInt(digit)
  }
  const hex = value === 0n ? '' : value.toString(16)
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  return Buffer.concat([
    Buffer.alloc(zeros),
    Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex'),
  ])
}
