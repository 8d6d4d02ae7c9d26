import type { FastifyRequest } from 'fastify'
import type { EffectiveSettings } from '../settings.ts'
import { matchesGlob } from './glob.ts'

const LENGTH_MAX = 2_048

/**
 * Where the caller wants to be led after a link was followed, if the project allows it; else the project's site.
 * Mirrors auth internal/utilities/request.go@bc32168 GetReferrer.
 */
export function findRedirect(settings: EffectiveSettings, request: FastifyRequest): string {
  const { redirect_to: header, referer } = request.headers
  const asked = (request.query as Record<string, unknown>).redirect_to
  for (const wanted of [header, asked, referer])
    if (typeof wanted === 'string' && isAllowedRedirect(settings, wanted)) return wanted
  return settings.siteUrl
}

/** The site itself (any port of it on this machine), this machine by address, and what the allow list's globs match. */
export function isAllowedRedirect(settings: EffectiveSettings, wanted: string): boolean {
  if (wanted === '' || wanted.length > LENGTH_MAX) return false
  const [site, target] = [parseUrl(settings.siteUrl), parseUrl(wanted)]
  if (site === null || target === null || !isPlain(wanted)) return false
  const isSameHost = site.hostname === target.hostname && site.protocol === target.protocol
  if (isSameHost && target.hostname !== '' && (site.port === target.port || isLoopback(target.hostname)))
    return true

  const isWeb = target.protocol === 'http:' || target.protocol === 'https:'
  if (isWeb && isAddress(target.hostname)) return isLoopback(target.hostname)
  const [withoutFragment = ''] = wanted.split('#')
  return settings.uriAllowList.some((pattern) => matchesGlob(pattern, withoutFragment))
}

/**
 * Browsers read a backslash as a slash, skip tabs and line ends, and take what stands before `@` for a password; a pattern
 * that was matched against such a text would have seen another host than the browser goes to.
 */
function isPlain(wanted: string): boolean {
  // eslint-disable-next-line no-control-regex -- they are what must not be there
  return !/[\x00-\x20\\\x7f]/.test(wanted) && !/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(wanted)
}

function parseUrl(text: string): URL | null {
  try {
    const url = new URL(text)
    return /^(javascript|data|vbscript|blob|file):$/.test(url.protocol) ? null : url
  } catch {
    return null
  }
}

const isLoopback = (host: string) => host === 'localhost' || /^127(\.\d+){3}$/.test(host) || host === '[::1]'
const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.startsWith('[')
