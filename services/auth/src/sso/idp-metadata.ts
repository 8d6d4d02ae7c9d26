import { attributeOf, childOf, childrenOf, metadataNs, parseXml, signatureNs, textOf } from './xml.ts'
import { ssoErrors } from './sso-errors.ts'

/** What an identity provider says of itself. */
export interface IdpMetadata {
  readonly entityId: string
  /** Where browsers are sent with a request; null when it takes none by redirect. */
  readonly redirectUrl: string | null
  /** Base64 of X.509, without line breaks. */
  readonly signingCertificates: readonly string[]
  /** Null when it does not say. */
  readonly validUntil: Date | null
  readonly cacheMs: number | null
}

const REDIRECT_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'

/** Throws validation_failed. Mirrors auth internal/api/ssoadmin.go@bc32168 parseSAMLMetadata. */
export function parseIdpMetadata(xml: string): IdpMetadata {
  const entity = findEntity(xml)
  const entityId = attributeOf(entity, 'entityID')
  if (entityId === null) throw ssoErrors.invalid('SAML Metadata does not contain an EntityID')
  const descriptors = childrenOf(entity, metadataNs, 'IDPSSODescriptor')
  const [descriptor] = descriptors
  if (descriptor === undefined) throw ssoErrors.invalid('SAML Metadata does not contain any IDPSSODescriptor')
  if (descriptors.length > 1) throw ssoErrors.invalid('SAML Metadata contains multiple IDPSSODescriptors')

  const service = childrenOf(descriptor, metadataNs, 'SingleSignOnService').find(
    (each) => attributeOf(each, 'Binding') === REDIRECT_BINDING,
  )
  const certificates = childrenOf(descriptor, metadataNs, 'KeyDescriptor')
    .filter((key) => (attributeOf(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => childrenOf(key, signatureNs, 'KeyInfo'))
    .flatMap((info) => childrenOf(info, signatureNs, 'X509Data'))
    .flatMap((data) => childrenOf(data, signatureNs, 'X509Certificate'))
    .map((certificate) => textOf(certificate).replace(/\s+/g, ''))
  const validUntil = new Date(attributeOf(entity, 'validUntil') ?? Number.NaN)
  return {
    entityId,
    redirectUrl: attributeOf(service, 'Location'),
    signingCertificates: certificates.filter((certificate) => certificate !== ''),
    validUntil: Number.isNaN(validUntil.getTime()) ? null : validUntil,
    cacheMs: parseDuration(attributeOf(entity, 'cacheDuration')),
  }
}

/** The document is one entity, or a list that holds an identity provider. */
function findEntity(xml: string): Element {
  let root: Element
  try {
    root = parseXml(xml)
  } catch {
    throw ssoErrors.invalid('SAML Metadata is not a valid XML document')
  }
  if (root.localName !== 'EntitiesDescriptor') return root
  const found = childrenOf(root, metadataNs, 'EntityDescriptor').find(
    (entity) => childOf(entity, metadataNs, 'IDPSSODescriptor') !== undefined,
  )
  return found ?? root
}

/** `P1DT2H` and the like, in milliseconds. */
function parseDuration(text: string | null): number | null {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/.exec(text ?? '')
  if (parts === null) return null
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
}

const DAY_MS = 86_400_000

/** Mirrors IsSAMLMetadataStale. */
export function isStale({ validUntil, cacheMs }: IdpMetadata, fetchedAt: Date, now = new Date()): boolean {
  if (validUntil !== null && now > validUntil) return true
  const age = now.getTime() - fetchedAt.getTime()
  if (cacheMs !== null && cacheMs !== 0) return age > cacheMs
  return validUntil === null && age > DAY_MS
}
