import type { IncomingMessage } from 'node:http'

type Headers = readonly string[]

const lastOf = new WeakMap<object, Headers>()
const identity = Symbol('header identity')

type Marked = IncomingMessage & { [identity]?: Headers }

/**
 * The raw headers of a request: the same object for the next request on the connection as long as it repeats them, which is
 * what keep-alive clients do. What is derived from headers alone can be kept by it, in a WeakMap.
 */
export function headerIdentity(request: IncomingMessage): Headers {
  const marked = request as Marked
  return (marked[identity] ??= findIdentity(request))
}

function findIdentity({ socket, rawHeaders }: IncomingMessage): Headers {
  const last = lastOf.get(socket)
  if (last !== undefined && areSame(last, rawHeaders)) return last
  lastOf.set(socket, rawHeaders)
  return rawHeaders
}

function areSame(a: Headers, b: Headers): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
