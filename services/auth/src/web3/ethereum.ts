import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { MessageDialect, SignedMessage } from './signed-message.ts'

export const ethereum: MessageDialect = {
  name: 'siwe',
  title: 'Ethereum',
  address: /^0x[a-fA-F0-9]{40}$/,
  addressProblem: 'wallet address is not a valid Ethereum address',
  isChainId: (text) => /^[+-]?\d+$/.test(text) && Number(text) > 0 && Number.isSafeInteger(Number(text)),
}

/** Whether the key of the message's address made the signature (EIP-191): `0x`, 32 bytes each of r and s, and v. */
export function isEthereumSignature(message: SignedMessage, signature: string): boolean {
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return false
  const bytes = Buffer.from(signature.slice(2), 'hex')
  const v = bytes[64] ?? 0
  const recovery = v >= 27 ? v - 27 : v
  const text = Buffer.from(message.raw)
  const prefix = Buffer.from(`\x19Ethereum Signed Message:\n${text.length}`)
  try {
    const key = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact')
      .addRecoveryBit(recovery)
      .recoverPublicKey(keccak_256(Buffer.concat([prefix, text])))
    const address = keccak_256(key.toBytes(false).subarray(1)).subarray(12)
    return `0x${Buffer.from(address).toString('hex')}` === message.address.toLowerCase()
  } catch {
    return false
  }
}
