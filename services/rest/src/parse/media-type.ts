import { LRUCache } from 'lru-cache'

/** Media types, as in PostgREST 14's `MediaType.hs`. */
export type MediaType =
  | { readonly kind: 'json' | 'geojson' | 'csv' | 'text' | 'xml' | 'openapi' | 'form' | 'bytes' | 'any' }
  | { readonly kind: 'array-stripped' }
  | { readonly kind: 'object'; readonly stripped: boolean }
  | {
      readonly kind: 'plan'
      readonly of: MediaType
      readonly format: 'json' | 'text'
      readonly options: readonly PlanOption[]
    }
  | { readonly kind: 'other'; readonly name: string }

const PLAN_OPTIONS = ['analyze', 'verbose', 'settings', 'buffers', 'wal'] as const
export type PlanOption = (typeof PLAN_OPTIONS)[number]

const NAMES = {
  json: 'application/json',
  geojson: 'application/geo+json',
  csv: 'text/csv',
  text: 'text/plain',
  xml: 'text/xml',
  openapi: 'application/openapi+json',
  form: 'application/x-www-form-urlencoded',
  bytes: 'application/octet-stream',
  any: '*/*',
} as const
const KINDS = new Map(
  Object.entries(NAMES).map(([kind, name]) => [name as string, kind as keyof typeof NAMES]),
)

export function mediaTypeName(type: MediaType): string {
  switch (type.kind) {
    case 'array-stripped':
      return 'application/vnd.pgrst.array+json;nulls=stripped'
    case 'object':
      return `application/vnd.pgrst.object+json${type.stripped ? ';nulls=stripped' : ''}`
    case 'plan': {
      const options = type.options.length > 0 ? `; options=${type.options.join('|')}` : ''
      return `application/vnd.pgrst.plan+${type.format}; for="${mediaTypeName(type.of)}"${options}`
    }
    case 'other':
      return type.name
    default:
      return NAMES[type.kind]
  }
}

/** The Content-Type header; a charset only where the type is known to be text. */
export const contentType = (type: MediaType): string =>
  type.kind === 'bytes' || type.kind === 'other'
    ? mediaTypeName(type)
    : `${mediaTypeName(type)}; charset=utf-8`

const FORM =
  /^([A-Za-z0-9.*]+)\/([A-Za-z0-9.*+-]+)((?:\s*;\s*[A-Za-z0-9-]+\s*=\s*(?:"[^"]*"|[A-Za-z0-9|-]+))*)/
const PARAMETER = /;\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([A-Za-z0-9|-]+))/g

export function parseMediaType(text: string): MediaType {
  const match = FORM.exec(text)
  const name = match === null ? text.toLowerCase() : `${match[1]}/${match[2]}`.toLowerCase()
  const known = KINDS.get(name)
  if (known !== undefined) return { kind: known }
  const parameters = new Map<string, string>()
  for (const [, key = '', quoted, bare] of (match?.[3] ?? '').matchAll(PARAMETER))
    parameters.set(key.toLowerCase(), quoted ?? bare ?? '')
  const stripped = parameters.get('nulls') === 'stripped'
  switch (name) {
    case 'application/vnd.pgrst.object+json':
    case 'application/vnd.pgrst.object':
      return { kind: 'object', stripped }
    case 'application/vnd.pgrst.array+json':
    case 'application/vnd.pgrst.array':
      return stripped ? { kind: 'array-stripped' } : { kind: 'json' }
    case 'application/vnd.pgrst.plan':
    case 'application/vnd.pgrst.plan+text':
    case 'application/vnd.pgrst.plan+json': {
      const wanted = (parameters.get('options') ?? '').split('|')
      return {
        kind: 'plan',
        of: parseMediaType(parameters.get('for') ?? NAMES.json),
        format: name.endsWith('+json') ? 'json' : 'text',
        options: PLAN_OPTIONS.filter((option) => wanted.includes(option)),
      }
    }
    default:
      // It may come back as a header.
      return { kind: 'other', name: text.replace(/[^\x20-\x7e]/g, '') }
  }
}

/** The types of an Accept header, best first: by quality, then by how specific they are, then as listed. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined) return ANYTHING
  const known = accepted.get(header)
  if (known !== undefined) return known
  const types = parseNewAccept(header)
  accepted.set(header, types)
  return types
}

const ANYTHING: readonly MediaType[] = [{ kind: 'any' }]
const accepted = new LRUCache<string, readonly MediaType[]>({ max: 500 })

function parseNewAccept(header: string): readonly MediaType[] {
  const ranges = splitOutsideQuotes(header).map((text, index) => {
    const quality = /;\s*q=([0-9.]+)\s*/i.exec(text)
    const type = quality === null ? text : text.replace(quality[0], '')
    const [main = '', sub = ''] = type.split(';')[0]?.split('/') ?? []
    const specificity = main.trim() === '*' ? 0 : sub.trim() === '*' ? 1 : type.includes(';') ? 3 : 2
    return { type, quality: quality === null ? 1 : Number(quality[1]), specificity, index }
  })
  ranges.sort((a, b) => b.quality - a.quality || b.specificity - a.specificity || a.index - b.index)
  return ranges.map((r) => parseMediaType(r.type.trim()))
}

const splitOutsideQuotes = (text: string): string[] => text.match(/(?:[^,"]|"[^"]*")+/g) ?? [text]
