import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { selfSignedCertificate } from '@favo/tokens'
import { SignedXml } from 'xml-crypto'

/** What an assertion says; what is left out is as a good identity provider has it. */
export interface AssertionInput {
  readonly nameId?: string
  readonly nameIdFormat?: string
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
  readonly audience?: string
  readonly recipient?: string
  readonly destination?: string
  readonly inResponseTo?: string | null
  readonly id?: string
  readonly issuer?: string
  /** Seconds from now. */
  readonly notBefore?: number
  readonly notOnOrAfter?: number
  readonly sessionNotOnOrAfter?: number
}

export interface SamlRequest {
  readonly id: string
  readonly relayState: string
  readonly acsUrl: string
  readonly issuer: string
  readonly xml: string
  readonly query: URLSearchParams
}

export interface SamlProvider {
  readonly entityId: string
  readonly metadata: string
  readonly certificate: string
  /** Reads the address that a browser was sent to. */
  readRequest(url: string): SamlRequest
  /** A signed response, as XML. `sign` chooses what is signed; null = nothing. */
  respond(
    to: { readonly acsUrl: string; readonly audience: string; readonly requestId: string | null },
    input?: AssertionInput,
    sign?: 'assertion' | 'response' | null,
  ): string
}

const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'

const createKeys = () => generateKeyPairSync('rsa', { modulusLength: 2_048 })
let sharedKeys: ReturnType<typeof createKeys> | null = null

/** A SAML identity provider: it signs whatever a test wants somebody to be. */
export function createSamlProvider(options: { readonly entityId?: string } = {}): SamlProvider {
  const entityId = options.entityId ?? `https://idp-${randomUUID()}.example.com/metadata`
  // Who takes a name that is another's, as a forger does, has a key of his own; the others share one, since making it takes long.
  const { privateKey } = options.entityId === undefined ? (sharedKeys ??= createKeys()) : createKeys()
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const certificate = selfSignedCertificate(pem, 'identity provider')
  return {
    entityId,
    certificate,
    metadata:
      `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entityId}">` +
      '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">' +
      '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>' +
      `<X509Certificate>${certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>` +
      '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" ' +
      'Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>',
    readRequest: (url) => {
      const query = new URL(url).searchParams
      const xml = inflateRawSync(Buffer.from(query.get('SAMLRequest') ?? '', 'base64')).toString('utf8')
      const find = (pattern: RegExp) => pattern.exec(xml)?.[1] ?? ''
      return {
        id: find(/ ID="([^"]+)"/),
        relayState: query.get('RelayState') ?? '',
        acsUrl: find(/AssertionConsumerServiceURL="([^"]+)"/),
        issuer: find(/<saml:Issuer[^>]*>([^<]+)</),
        xml,
        query,
      }
    },
    respond: (to, input = {}, sign = 'assertion') => {
      const xml = renderResponse(entityId, to, input)
      return sign === null ? xml : signXml(xml, pem, sign === 'assertion' ? 'Assertion' : 'Response')
    },
  }
}

function renderResponse(
  entityId: string,
  to: { readonly acsUrl: string; readonly audience: string; readonly requestId: string | null },
  input: AssertionInput,
): string {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString()
  const { nameId = randomUUID(), nameIdFormat = PERSISTENT, issuer = entityId } = input
  const requestId = input.inResponseTo === undefined ? to.requestId : input.inResponseTo
  const answers = requestId === null ? '' : ` InResponseTo="${requestId}"`
  const end = at(input.notOnOrAfter ?? 300)
  const sessionEnd =
    input.sessionNotOnOrAfter === undefined ? '' : ` SessionNotOnOrAfter="${at(input.sessionNotOnOrAfter)}"`
  const attributes = Object.entries(input.attributes ?? {}).map(
    ([name, values]) =>
      `<saml:Attribute Name="${name}" FriendlyName="friendly-${name}">${[values]
        .flat()
        .map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
        .join('')}</saml:Attribute>`,
  )
  const assertion =
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${input.id ?? `a-${randomUUID()}`}" ` +
    `Version="2.0" IssueInstant="${at(0)}"><saml:Issuer>${issuer}</saml:Issuer><saml:Subject>` +
    `<saml:NameID Format="${nameIdFormat}">${nameId}</saml:NameID>` +
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData${answers} Recipient="${input.recipient ?? to.acsUrl}" NotOnOrAfter="${end}"/>` +
    '</saml:SubjectConfirmation></saml:Subject>' +
    `<saml:Conditions NotBefore="${at(input.notBefore ?? -60)}" NotOnOrAfter="${end}"><saml:AudienceRestriction>` +
    `<saml:Audience>${input.audience ?? to.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${at(0)}"${sessionEnd}><saml:AuthnContext><saml:AuthnContextClassRef>` +
    'urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>' +
    '</saml:AuthnStatement>' +
    (attributes.length === 0
      ? ''
      : `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>`) +
    '</saml:Assertion>'
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="r-${randomUUID()}" Version="2.0" ` +
    `IssueInstant="${at(0)}" Destination="${input.destination ?? to.acsUrl}"${answers}>` +
    `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${issuer}</saml:Issuer><samlp:Status>` +
    '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>' +
    `${assertion}</samlp:Response>`
  )
}

function signXml(xml: string, privateKey: string, what: 'Assertion' | 'Response'): string {
  const signer = new SignedXml({
    privateKey,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  })
  const path = `//*[local-name(.)='${what}']`
  signer.addReference({
    xpath: path,
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
    transforms: [
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      'http://www.w3.org/2001/10/xml-exc-c14n#',
    ],
  })
  signer.computeSignature(xml, {
    location: { reference: `${path}/*[local-name(.)='Issuer']`, action: 'after' },
  })
  return signer.getSignedXml()
}
