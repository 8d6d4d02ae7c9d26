const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\ufffd',
}

/** For text, and for values of attributes in quotes. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"'\0]/g, (character) => entities[character] ?? '')

/** For values of attributes without quotes, which white space would end. */
export const escapeUnquoted = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- all of them end a value
  escapeHtml(text).replace(/[\x00-\x20=`]/g, (character) => `&#${character.charCodeAt(0)};`)

/** Halves of characters cannot be encoded. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

/** For a part of a query: nothing of the value has a meaning there. */
export const encodeComponent = (text: string): string =>
  encodeURIComponent(wellFormed(text)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** For a whole address, whose signs keep their meaning; what is encoded already stays so. */
export const encodeAddress = (text: string): string =>
  wellFormed(text).replace(/%(?![0-9a-fA-F]{2})|[^\w\-.~!#$&*+,/:;=?@[\]%]/gu, encodeComponent)

/** Stands for what must not be there, as in Go; easy to search for. */
export const FILTERED = 'ZgotmplZ'

/** Addresses that only lead somewhere. Everything else, such as `javascript:`, is not for a value to choose. */
export function isHarmlessAddress(address: string): boolean {
  const scheme = /^([^/?#]*?):/.exec(address)?.[1]
  return scheme === undefined || ['http', 'https', 'mailto'].includes(scheme.toLowerCase())
}
