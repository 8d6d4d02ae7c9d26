import { requestErrors } from '../errors/request-errors.ts'
import type { Settings } from '../settings.ts'

/** What is to be done with what. */
export type Action =
  | { readonly kind: 'read'; readonly relation: string; readonly isHead: boolean }
  | { readonly kind: 'insert' | 'update' | 'upsert' | 'delete'; readonly relation: string }
  | { readonly kind: 'call'; readonly function: string; readonly via: 'get' | 'head' | 'post' }
  | { readonly kind: 'describe'; readonly isHead: boolean }
  | { readonly kind: 'options'; readonly of: 'relation' | 'function' | 'root'; readonly name: string }

/**
 * Path and method.
 *
 * @param path below the service's prefix, still encoded
 * @throws ApiError PGRST101, PGRST117, PGRST125, PGRST126
 */
export function parseAction(method: string, path: string, settings: Settings): Action {
  const segments = path.split('/').slice(1).map(decodeSegment)
  const [first = '', second] = segments
  if (segments.length === 0 || (segments.length === 1 && first === '')) {
    if (settings.openApiMode === 'disabled') throw requestErrors.rootDisabled()
    if (settings.rootFunction !== null) return callAction(method, settings.rootFunction.at(-1) ?? '')
    switch (method) {
      case 'GET':
      case 'HEAD':
        return { kind: 'describe', isHead: method === 'HEAD' }
      case 'OPTIONS':
        return { kind: 'options', of: 'root', name: '' }
    }
    throw requestErrors.method(method)
  }
  if (segments.length === 2 && first === 'rpc' && second !== undefined) return callAction(method, second)
  if (segments.length > 1) throw requestErrors.path()
  switch (method) {
    case 'GET':
    case 'HEAD':
      return { kind: 'read', relation: first, isHead: method === 'HEAD' }
    case 'POST':
      return { kind: 'insert', relation: first }
    case 'PATCH':
      return { kind: 'update', relation: first }
    case 'PUT':
      return { kind: 'upsert', relation: first }
    case 'DELETE':
      return { kind: 'delete', relation: first }
    case 'OPTIONS':
      return { kind: 'options', of: 'relation', name: first }
  }
  throw requestErrors.method(method)
}

function callAction(method: string, name: string): Action {
  switch (method) {
    case 'GET':
      return { kind: 'call', function: name, via: 'get' }
    case 'HEAD':
      return { kind: 'call', function: name, via: 'head' }
    case 'POST':
      return { kind: 'call', function: name, via: 'post' }
    case 'OPTIONS':
      return { kind: 'options', of: 'function', name }
  }
  throw requestErrors.rpcMethod(method)
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
