import { createHash, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

export interface Certificate {
  readonly context: SecureContext
  /** `tls-server-end-point` (RFC 5929): the hash of the certificate, with which SCRAM binds itself to this connection. */
  readonly binding: Buffer
}

/** `key` and `certificate` are PEM; the first certificate of the chain is the server's. Throws when they do not fit. */
export function loadCertificate(pem: { readonly key: string; readonly certificate: string }): Certificate {
  const context = createSecureContext({ key: pem.key, cert: pem.certificate, minVersion: 'TLSv1.2' })
  const { raw } = new X509Certificate(pem.certificate)
  return { context, binding: createHash(bindingHash(raw)).update(raw).digest() }
}

/** The hash of the certificate's own signature, but SHA-256 where that one is MD5 or SHA-1 (or none, as with Ed25519). */
function bindingHash(certificate: Buffer): string {
  const signature = readSignatureOid(certificate)
  if (['2a864886f70d01010c', '2a8648ce3d040303'].includes(signature)) return 'sha384'
  if (['2a864886f70d01010d', '2a8648ce3d040304'].includes(signature)) return 'sha512'
  return 'sha256'
}

/** Certificate ::= SEQUENCE { the certificate's content, SEQUENCE { OID of the signature's algorithm, … }, … } */
function readSignatureOid(certificate: Buffer): string {
  const outer = readDer(certificate, 0)
  const content = readDer(certificate, outer.start)
  const algorithm = readDer(certificate, content.end)
  const oid = readDer(certificate, algorithm.start)
  return certificate.toString('hex', oid.start, oid.end)
}

function readDer(bytes: Buffer, offset: number): { start: number; end: number } {
  const first = bytes.readUInt8(offset + 1)
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const start = offset + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(offset + 2, lengthBytes)
  return { start, end: start + length }
}
