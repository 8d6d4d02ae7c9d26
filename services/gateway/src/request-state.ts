import type { FastifyRequest } from 'fastify'
import type { Project } from '@favo/projects'
import type { Address } from './address.ts'
import { takenFromUrl } from './rewrite-url.ts'

/** What the gateway's own hooks tell each other. Services see `request.favo` and nothing of this. */
export const address = Symbol('address')
export const project = Symbol('project')

declare module 'fastify' {
  interface FastifyRequest {
    [address]: Address
    /** For the log: known before `favo` is there, and for requests that are refused. */
    [project]: Project | null
  }
}

/** The header wins over `?apikey=`. Several headers arrive joined by a comma and so fit no key. */
export function keyOf(request: FastifyRequest): string | null {
  const header = request.headers.apikey
  const key = typeof header === 'string' ? header : takenFromUrl(request.raw).apiKey
  return key === '' ? null : key
}

export const refOf = (request: FastifyRequest): string | null => request[project]?.ref ?? null

/** `request.host` minds X-Forwarded-Host, when and only when it comes from a trusted proxy. HTTP/1.0 needs no Host. */
export const hostOf = (request: FastifyRequest): string =>
  request.raw.httpVersion === '1.0' && request.raw.headers.host === undefined ? 'localhost' : request.host
