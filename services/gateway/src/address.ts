import type { IncomingMessage } from 'node:http'
import { isRef } from '@favo/tokens'

/**
 * What a request's host and path say about whom it is for. The API key may narrow `platform` down to a project; it never
 * widens or overrides the other kinds.
 *
 * - `host`: `<label>.<domain>`; the label is a ref or a subdomain. Or a domain of the project's own: then the label is its ref.
 * - `path`: `/p/<ref>` on a host that is not a project's.
 * - `platform`: neither.
 * - `nowhere`: below the domain what can be no project's label, or a path form on a project's host: two names are one too many.
 */
export type Address =
  | { readonly kind: 'host'; readonly label: string; readonly host: Host; readonly isOwnDomain?: true }
  | { readonly kind: 'path'; readonly ref: string; readonly host: Host }
  | { readonly kind: 'platform'; readonly host: Host }
  | { readonly kind: 'nowhere' }

export interface Host {
  /** Lower-case, without port and closing dot. Empty for HTTP/1.0 clients that send none. */
  readonly name: string
  /** `:8000`, or empty. */
  readonly port: string
}

const LABEL = /^[a-z0-9-]{1,63}$/
const HOST_FORM = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_-][a-z0-9._-]{0,254})(:[0-9]{1,5})?$/

/** Null when it is not one host: empty, several, or with characters that have no place there. */
export function parseHost(header: string): Host | null {
  const match = HOST_FORM.exec(header.toLowerCase())
  if (match === null) return null
  const name = match[1] ?? ''
  return { name: name.endsWith('.') ? name.slice(0, -1) : name, port: match[2] ?? '' }
}

/** `pathRef` is what `splitPath` found. */
export function findAddress(host: Host, pathRef: string | null, domain: string): Address {
  if (host.name.endsWith(domain) && host.name.at(-domain.length - 1) === '.') {
    const label = host.name.slice(0, -domain.length - 1)
    return pathRef === null && LABEL.test(label) ? { kind: 'host', label, host } : { kind: 'nowhere' }
  }
  return pathRef === null ? { kind: 'platform', host } : { kind: 'path', ref: pathRef, host }
}

/**
 * The host name when it could be a project's own domain: no address, not this machine, not the platform's public name
 * (`publicHost`), and not below its domain.
 */
export function possibleDomain(address: Address, publicHost: string): string | null {
  if (address.kind !== 'platform' && address.kind !== 'path') return null
  const { name } = address.host
  const isOurs = name === publicHost || name === 'localhost' || name.endsWith('.localhost')
  return isOurs || !/\.[a-z][a-z0-9-]*$/.test(name) ? null : name
}

const PATH_FORM = '/p/'
const REF_END = PATH_FORM.length + 20

export interface SplitPath {
  readonly ref: string | null
  /** The rest, always beginning with a slash. */
  readonly url: string
}

/**
 * Takes `/p/<ref>` off the front, once, by the letters as they came: encoded, doubled or dotted spellings are no path
 * form and meet no route.
 */
export function splitPath(url: string): SplitPath {
  if (!url.startsWith(PATH_FORM)) return { ref: null, url }
  const next = url[REF_END]
  const ref = url.slice(PATH_FORM.length, REF_END)
  if (!isRef(ref) || (next !== undefined && next !== '/' && next !== '?')) return { ref: null, url }
  const rest = url.slice(REF_END)
  return { ref, url: next === '/' ? rest : `/${rest}` }
}

/** Proxies disagree about which of several Host headers counts, so more than one is refused. */
export function hasSeveralHosts(request: IncomingMessage): boolean {
  let count = 0
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}
