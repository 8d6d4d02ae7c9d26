import { LRUCache } from 'lru-cache'
import type { Repetition } from './execute/repetition.ts'
import { mentionsTimezone } from './parse/preferences.ts'
import type { ApiRequest, RawRequest } from './parse/request.ts'

export interface KnownRead<Planned> {
  readonly request: ApiRequest
  readonly prepared: Planned
  readonly repetition: Repetition
}

interface Variant<Planned> {
  readonly method: string
  readonly letters: string
  readonly read: KnownRead<Planned>
}

const URLS_MAX = 50
const VARIANTS_MAX = 4
const URL_LENGTH_MAX = 1_000

/** Requests without a body that were asked before, as they were parsed and planned: who asks the same again is not even parsed. */
export class KnownReads<Planned> {
  readonly #byUrl = new LRUCache<string, Variant<Planned>[]>({ max: URLS_MAX })

  /** `letters` as `lettersOf` gives them. */
  find({ url, method }: RawRequest, letters: string): KnownRead<Planned> | null {
    const variants = this.#byUrl.get(url)
    if (variants === undefined) return null
    for (const variant of variants)
      if (variant.method === method && variant.letters === letters) return variant.read
    return null
  }

  keep({ url, method }: RawRequest, letters: string, read: KnownRead<Planned>): void {
    const others = this.#byUrl.get(url) ?? []
    this.#byUrl.set(url, [{ method, letters, read }, ...others.slice(0, VARIANTS_MAX - 1)])
  }
}

/**
 * Everything in a request's headers that parsing and planning look at; null where they look at more, or where the request is
 * too long to be kept. Line ends and zeros cannot occur in any part, so no two requests read alike.
 */
export function lettersOf({ method, url, headers, headersKey }: RawRequest): string | null {
  if ((method !== 'GET' && method !== 'HEAD') || url.length > URL_LENGTH_MAX) return null
  let letters = known.get(headersKey)
  if (letters === undefined) {
    const { accept = ABSENT, prefer = ABSENT, range = ABSENT } = headers
    const { 'accept-profile': profile = ABSENT, 'content-type': type = ABSENT } = headers
    letters = mentionsTimezone(headers.prefer) ? null : [accept, prefer, range, profile, type].join('\n')
    known.set(headersKey, letters)
  }
  return letters
}

const ABSENT = '\0'
const known = new WeakMap<object, string | null>()
