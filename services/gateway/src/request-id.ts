import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

const SANE_ID = /^[\w-]{8,64}$/

/** Taken from the caller when it is harmless in logs and headers, so that one id follows a call through other systems. */
export function requestId({ headers }: { headers: FastifyRequest['headers'] }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
}

/** Names and values in turn. */
export const requestIdHeaders = (id: string): readonly string[] => ['x-request-id', id, 'sb-request-id', id]
