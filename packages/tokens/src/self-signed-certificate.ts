import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

// DER, as much of it as one certificate takes.
const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts)
const oid = (...bytes: readonly number[]) => der(0x06, Buffer.from(bytes))
const sha256WithRsa = sequence(oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), der(0x05))
const commonName = (name: string) =>
  sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))))
const time = (text: string) => der(0x18, Buffer.from(text))

const subjectAlternativeNames = (hosts: readonly string[]) =>
  sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(...hosts.map(generalName))))
const generalName = (host: string) =>
  isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))

/**
 * A certificate for a key, self-signed, in base64: SAML wraps public keys in one. It says the same every time, for it
 * follows from the key alone and its time never ends; nobody checks more of it than the key. With hosts (DNS names and IPv4
 * addresses) clients that trust it can also check whom they talk to.
 */
export function selfSignedCertificate(
  privateKeyPem: string,
  name: string,
  hosts: readonly string[] = [],
): string {
  const privateKey = createPrivateKey(privateKeyPem)
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const serial = createHash('sha256').update(publicKey).digest().subarray(0, 16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    sha256WithRsa,
    commonName(name),
    sequence(time('20200101000000Z'), time('99991231235959Z')),
    commonName(name),
    publicKey,
    ...(hosts.length === 0 ? [] : [der(0xa3, sequence(subjectAlternativeNames(hosts)))]),
  )
  const signature = sign('sha256', content, privateKey)
  return sequence(content, sha256WithRsa, der(0x03, Buffer.from([0]), signature)).toString('base64')
}
