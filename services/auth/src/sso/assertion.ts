import type { AttributeMapping, MappedAttribute } from './sso-providers.sql.ts'
import { assertionNs, attributeOf, childOf, childrenOf, parseXml, textOf } from './xml.ts'

/** A verified assertion. */
export interface Assertion {
  readonly id: string
  readonly issuer: string
  readonly nameId: string
  readonly nameIdFormat: string
  /** Of the request that it answers, wherever a confirmation names one. */
  readonly inResponseTo: readonly string[]
  readonly recipients: readonly string[]
  readonly attributes: readonly Attribute[]
  /** When the identity provider wants the session to end. */
  readonly sessionEndsAt: Date | null
}

interface Attribute {
  readonly names: readonly string[]
  readonly values: readonly string[]
}

const EMAIL_FORMAT = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const TRANSIENT_FORMAT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const SUBJECT_ID = 'urn:oasis:names:tc:SAML:attribute:subject-id'

/** Reads what the signature covers, and nothing else: `xml` must be what was verified. */
export function parseAssertion(xml: string): Assertion {
  const root = parseXml(xml)
  if (root.localName !== 'Assertion' || root.namespaceURI !== assertionNs) throw new Error('not an assertion')
  const subject = childOf(root, assertionNs, 'Subject')
  const nameId = childOf(subject, assertionNs, 'NameID')
  const confirmations = (subject === undefined ? [] : childrenOf(subject, assertionNs, 'SubjectConfirmation'))
    .map((confirmation) => childOf(confirmation, assertionNs, 'SubjectConfirmationData'))
    .filter((data) => data !== undefined)
  const ends = childrenOf(root, assertionNs, 'AuthnStatement')
    .map((statement) => new Date(attributeOf(statement, 'SessionNotOnOrAfter') ?? Number.NaN))
    .find((end) => !Number.isNaN(end.getTime()))
  return {
    id: attributeOf(root, 'ID') ?? '',
    issuer: textOf(childOf(root, assertionNs, 'Issuer')),
    nameId: textOf(nameId),
    nameIdFormat: attributeOf(nameId, 'Format') ?? '',
    inResponseTo: confirmations.flatMap((data) => attributeOf(data, 'InResponseTo') ?? []),
    recipients: confirmations.flatMap((data) => attributeOf(data, 'Recipient') ?? []),
    attributes: childrenOf(root, assertionNs, 'AttributeStatement')
      .flatMap((statement) => childrenOf(statement, assertionNs, 'Attribute'))
      .map((attribute) => ({
        names: [attributeOf(attribute, 'Name'), attributeOf(attribute, 'FriendlyName')].filter(
          (name) => name !== null,
        ),
        values: childrenOf(attribute, assertionNs, 'AttributeValue').map(textOf),
      })),
    sessionEndsAt: ends ?? null,
  }
}

/** Values of an attribute by its name or friendly name, in any case. */
function valuesOf({ attributes }: Assertion, name: string): string[] {
  const wanted = name.toLowerCase()
  return attributes
    .filter(({ names }) => names.some((each) => each.toLowerCase() === wanted))
    .flatMap(({ values }) => values)
}

/** What the provider knows the user by; empty when it changes each time. Mirrors auth internal/api/samlassertion.go@bc32168. */
export function userIdOf(assertion: Assertion): string {
  const [subjectId] = valuesOf(assertion, SUBJECT_ID)
  if (subjectId !== undefined) return subjectId
  if (assertion.nameIdFormat === EMAIL_FORMAT) return assertion.nameId.toLowerCase()
  return assertion.nameIdFormat === TRANSIENT_FORMAT ? '' : assertion.nameId
}

const emailAttributes = [
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
  'http://schemas.xmlsoap.org/claims/EmailAddress',
  'mail',
  'email',
]

export function emailOf(assertion: Assertion): string {
  const found = emailAttributes.flatMap((name) => valuesOf(assertion, name)).find((value) => value !== '')
  return found ?? (assertion.nameIdFormat === EMAIL_FORMAT ? assertion.nameId : '')
}

export function mapAttributes(assertion: Assertion, mapping: AttributeMapping): Record<string, unknown> {
  const mapped = Object.entries(mapping.keys ?? {}).map(([key, attribute]) => [
    key,
    mapOne(assertion, attribute),
  ])
  return Object.fromEntries(mapped.filter(([, value]) => value !== undefined && value !== null)) as Record<
    string,
    unknown
  >
}

/** The first of the names that has a value. */
function mapOne(
  assertion: Assertion,
  { name = '', names = [], array = false, ...rest }: MappedAttribute,
): unknown {
  for (const each of [name, ...names]) {
    const values = each === '' ? [] : valuesOf(assertion, each).filter((value) => value !== '')
    if (values.length > 0) return array ? values : values[0]
  }
  return rest.default
}
