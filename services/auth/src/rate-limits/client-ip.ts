import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { EffectiveSettings } from '../settings.ts'

/**
 * Whom the request comes from: the gateway knows. A server that renders pages asks in others' names; where the project
 * allows it, it says for whom by Sb-Forwarded-For, which counts with a secret key only: else anybody could be anybody.
 * Null when nobody is known. Mirrors auth internal/sbff/sbff.go@bc32168.
 */
export function findClientIp({ favo, headers }: FastifyRequest, settings: EffectiveSettings): string | null {
  const forwarded = headers['sb-forwarded-for']
  if (
    settings.forwardedForEnabled &&
    favo.apiKey?.role === 'service_role' &&
    typeof forwarded === 'string' &&
    forwarded !== ''
  ) {
    const [first = ''] = forwarded.split(',')
    if (isIP(first.trim()) !== 0) return first.trim()
  }
  return isIP(favo.clientIp) === 0 ? null : favo.clientIp
}
