import { DOMParser } from '@xmldom/xmldom'

export const protocolNs = 'urn:oasis:names:tc:SAML:2.0:protocol'
export const assertionNs = 'urn:oasis:names:tc:SAML:2.0:assertion'
export const metadataNs = 'urn:oasis:names:tc:SAML:2.0:metadata'
export const signatureNs = 'http://www.w3.org/2000/09/xmldsig#'

/** The root of a document. Throws for what is not XML, and for a document type: entities are an attack and nothing else. */
export function parseXml(text: string): Element {
  if (/<!DOCTYPE/i.test(text)) throw new Error('the document has a type')
  const fail = (message: string) => {
    throw new Error(message)
  }
  const parser = new DOMParser({ errorHandler: { warning: () => undefined, error: fail, fatalError: fail } })
  const root = parser.parseFromString(text, 'text/xml').documentElement as Element | null
  if (root === null) throw new Error('the document is empty')
  return root
}

/** Children of this name; not grandchildren, so nothing that was put elsewhere is found. */
export const childrenOf = (element: Element, namespace: string, name: string): Element[] =>
  Array.from(element.childNodes as unknown as ArrayLike<Element>).filter(
    (node) => node.localName === name && node.namespaceURI === namespace,
  )

export const childOf = (
  element: Element | undefined,
  namespace: string,
  name: string,
): Element | undefined => (element === undefined ? undefined : childrenOf(element, namespace, name)[0])

/** An attribute, null when it is absent or empty. */
export const attributeOf = (element: Element | undefined, name: string): string | null => {
  const value = element?.getAttribute(name) ?? ''
  return value === '' ? null : value
}

export const textOf = (element: Element | undefined): string => (element?.textContent ?? '').trim()

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
