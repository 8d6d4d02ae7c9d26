import { SAML, ValidateInResponseTo, type CacheProvider } from '@node-saml/node-saml'
import { selfSignedCertificate } from '@favo/tokens'
import { LRUCache } from 'lru-cache'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import type { IdpMetadata } from './idp-metadata.ts'
import { escapeXml } from './xml.ts'

/** The project as identity providers know it. Addresses follow from the project alone, not from a request's host. */
export interface ServiceProvider {
  readonly entityId: string
  readonly acsUrl: string
  readonly privateKey: string
  /** Base64 of X.509. */
  readonly certificate: string
}

const certificates = new LRUCache<string, string>({ max: 1_000 })

export function serviceProviderOf(ctx: AuthContext): ServiceProvider {
  const { samlExternalUrl, samlPrivateKey } = ctx.settings
  if (samlPrivateKey === '') throw authErrors.unexpectedFailure('SAML has no key yet')
  const base = samlExternalUrl === '' ? ctx.issuer : samlExternalUrl.replace(/\/$/, '')
  const { host } = new URL(base)
  const key = `${host}\n${samlPrivateKey}`
  const certificate =
    certificates.get(key) ?? selfSignedCertificate(samlPrivateKey, `SAML 2.0 Certificate for ${host}`)
  certificates.set(key, certificate)
  return {
    entityId: `${base}/sso/saml/metadata`,
    acsUrl: `${base}/sso/saml/acs`,
    privateKey: samlPrivateKey,
    certificate,
  }
}

const SECOND_MS = 1_000

/** The protocol for one exchange. `requestId` is the one that was sent, or must be answered; null when none was. */
export function createSaml(
  ctx: AuthContext,
  idp: IdpMetadata,
  requestId: string | null,
  nameIdFormat: string | null = null,
): SAML {
  const { entityId, acsUrl, privateKey } = serviceProviderOf(ctx)
  return new SAML({
    issuer: entityId,
    audience: entityId,
    callbackUrl: acsUrl,
    entryPoint: idp.redirectUrl ?? '',
    idpIssuer: idp.entityId,
    idpCert: [...idp.signingCertificates],
    privateKey,
    ...(ctx.settings.samlAllowEncryptedAssertions ? { decryptionPvk: privateKey } : {}),
    signatureAlgorithm: 'sha256',
    digestAlgorithm: 'sha256',
    identifierFormat: nameIdFormat ?? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    disableRequestedAuthnContext: true,
    // One of the two must be signed, as identity providers differ; what is not signed is not read.
    wantAssertionsSigned: false,
    wantAuthnResponseSigned: false,
    // As the library that GoTrue uses allows.
    acceptedClockSkewMs: 180 * SECOND_MS,
    generateUniqueId: () => requestId ?? '',
    validateInResponseTo: requestId === null ? ValidateInResponseTo.never : ValidateInResponseTo.always,
    cacheProvider: rememberOnly(requestId),
  })
}

/** The request is kept in the database with its relay state; here it is known for the length of one exchange. */
function rememberOnly(requestId: string | null): CacheProvider {
  const createdAt = Date.now()
  return {
    saveAsync: async (_key, value) => ({ value, createdAt }),
    getAsync: async (key) =>
      requestId !== null && key === requestId ? new Date(createdAt).toISOString() : null,
    removeAsync: async () => null,
  }
}

const FIVE_YEARS_DAYS = 5 * 365

/** What identity providers are told. Mirrors auth internal/api/saml.go@bc32168 SAMLMetadata. */
export function renderMetadata(ctx: AuthContext, isDownload: boolean): string {
  const { entityId, acsUrl, certificate } = serviceProviderOf(ctx)
  const key = (use: string) =>
    `<KeyDescriptor use="${use}"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>` +
    `<X509Certificate>${certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`
  const validUntil = new Date(Date.now() + FIVE_YEARS_DAYS * 86_400_000).toISOString()
  const service = (name: string, binding: string, index: number) =>
    `<${name} Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${escapeXml(acsUrl)}" index="${index}"/>`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${escapeXml(entityId)}"`,
    isDownload ? ` validUntil="${validUntil}">` : '>',
    '<SPSSODescriptor WantAssertionsSigned="true"',
    ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">',
    key('signing'),
    ctx.settings.samlAllowEncryptedAssertions ? key('encryption') : '',
    '<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>',
    '<NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>',
    service('AssertionConsumerService', 'HTTP-POST', 1),
    '</SPSSODescriptor></EntityDescriptor>',
  ].join('')
}
