import { requestErrors } from '../errors/request-errors.ts'
import { mediaTypeName, type MediaType } from '../parse/media-type.ts'
import type { ApiRequest } from '../parse/request.ts'
import { nameKey, type MediaHandler, type QualifiedName, type SchemaCache } from '../schema-cache/types.ts'
import type { Explain, Handler, ReadNode } from './types.ts'
import { parseMediaType } from '../parse/media-type.ts'

export interface Negotiated {
  readonly handler: Handler
  readonly mediaType: MediaType
  readonly explain: Explain | null
}

/**
 * Chooses, among the types that the client accepts, the first that something here can make.
 *
 * Handlers for one relation only serve it whole (`select` absent): what they make is not theirs to cut.
 *
 * @throws ApiError PGRST107
 */
export function negotiate(
  request: ApiRequest,
  cache: SchemaCache,
  target: QualifiedName,
  read: ReadNode,
  isPlanEnabled: boolean,
): Negotiated {
  const isWhole = isDefaultSelect(read)
  const pick = (type: MediaType): Negotiated | null => {
    if (type.kind !== 'plan') {
      const found = handlerFor(type, cache, target, isWhole)
      return found === null ? null : { ...found, explain: null }
    }
    const found = isPlanEnabled ? handlerFor(type.of, cache, target, isWhole) : null
    const { format, options } = type
    return found === null ? null : { handler: found.handler, mediaType: type, explain: { format, options } }
  }
  for (const type of request.accept) {
    const found = pick(type)
    if (found !== null) return { ...found, handler: needsBody(request) ? found.handler : { kind: 'none' } }
  }
  throw requestErrors.mediaType(request.accept.map(mediaTypeName))
}

function needsBody({ action, preferences }: ApiRequest): boolean {
  switch (action.kind) {
    case 'read':
      return !action.isHead
    case 'call':
      return action.via !== 'head'
    default:
      return preferences.representation === 'representation'
  }
}

const isDefaultSelect = ({ select, embeds }: ReadNode) =>
  embeds.length === 0 && select.length === 1 && select[0]?.field.name === '*'

type Found = Pick<Negotiated, 'handler' | 'mediaType'>

function handlerFor(
  type: MediaType,
  cache: SchemaCache,
  target: QualifiedName,
  isWhole: boolean,
): Found | null {
  if (type.kind === 'object') return { handler: { kind: 'single', stripped: type.stripped }, mediaType: type }
  if (type.kind === 'array-stripped') return { handler: { kind: 'json', stripped: true }, mediaType: type }
  const name = mediaTypeName(type)
  const custom = customHandler(cache.mediaHandlers, name, target, isWhole)
  if (custom !== null) return custom
  switch (type.kind) {
    case 'any':
    case 'json':
      return { handler: { kind: 'json', stripped: false }, mediaType: { kind: 'json' } }
    case 'csv':
    case 'geojson':
      return { handler: { kind: type.kind }, mediaType: type }
    default:
      return null
  }
}

/** Most specific first: the relation's own for anything, its own for the type, one for any relation. */
function customHandler(
  handlers: readonly MediaHandler[],
  name: string,
  target: QualifiedName,
  isWhole: boolean,
): Found | null {
  if (handlers.length === 0) return null
  const key = nameKey(target)
  const own = isWhole ? handlers.filter((h) => h.target !== null && nameKey(h.target) === key) : []
  const found =
    own.find((h) => h.accepts === '*/*') ??
    own.find((h) => h.accepts === name) ??
    handlers.find((h) => h.target === null && h.accepts === name)
  if (found === undefined) return null
  return {
    handler: { kind: 'custom', function: found.function, target: found.target, isBinary: found.isBinary },
    mediaType: parseMediaType(found.produces),
  }
}
