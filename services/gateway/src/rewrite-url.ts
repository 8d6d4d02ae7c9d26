import type { IncomingMessage } from 'node:http'
import { splitPath } from './address.ts'

/** What was taken off the URL before routing, so that services see the same path whichever way the project was named. */
export interface TakenFromUrl {
  readonly ref: string | null
  readonly apiKey: string | null
  /** Not of the form `/path?query` (a proxy request, `*`): answered with 400. */
  readonly isMalformed: boolean
}

const NOTHING: TakenFromUrl = { ref: null, apiKey: null, isMalformed: false }
const taken = Symbol('taken from url')

type Marked = IncomingMessage & { [taken]?: TakenFromUrl }

/** Fastify's `rewriteUrl`: runs once per request, before routing. */
export function rewriteUrl(request: IncomingMessage): string {
  const original = request.url ?? ''
  const marked = request as Marked
  if (!original.startsWith('/')) {
    marked[taken] = { ...NOTHING, isMalformed: true }
    return '/'
  }
  const { ref, url } = splitPath(original)
  const key = takeApiKey(url)
  // Most requests name their project by host and bring the key in a header: nothing to remember.
  if (ref !== null || key !== null) marked[taken] = { ref, apiKey: key?.apiKey ?? null, isMalformed: false }
  return key?.url ?? url
}

export const takenFromUrl = (request: IncomingMessage): TakenFromUrl => (request as Marked)[taken] ?? NOTHING

/**
 * Supabase takes the key as `?apikey=` too (websockets cannot send headers). It is taken out, because REST would read it
 * as a filter on a column and the log must not have it. Several of them are joined, and so fit no key.
 */
function takeApiKey(url: string): { apiKey: string; url: string } | null {
  const start = url.indexOf('?')
  if (start === -1 || !url.includes('apikey=', start)) return null
  const keys: string[] = []
  const others: string[] = []
  for (const pair of url.slice(start + 1).split('&'))
    if (pair.startsWith('apikey=')) keys.push(pair.slice('apikey='.length))
    else others.push(pair)
  if (keys.length === 0) return null
  const rest = others.length === 0 ? '' : `?${others.join('&')}`
  return { apiKey: keys.join(','), url: url.slice(0, start) + rest }
}
