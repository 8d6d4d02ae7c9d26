import type { FastifyReply, FastifyRequest } from 'fastify'
import { ClientDeparture, createClientSignal, type Authorization, type RequestContext } from '@favo/http'
import type { Project } from '@favo/projects'
import type { CancelSignal, ProjectDb } from '@favo/postgres'
import type { Logger } from '@favo/runtime'
import type { Address, Host } from './address.ts'
import type { ApiKey } from './api-key.ts'
import { corsHeaders } from './cors.ts'
import { requestIdHeaders } from './request-id.ts'

export interface ContextParts {
  readonly project: Project
  readonly db: ProjectDb
  readonly apiKey: ApiKey | null
  readonly authorization: Authorization
  readonly address: Exclude<Address, { kind: 'nowhere' }>
  readonly publicUrl: URL
  readonly domain: string
  readonly log: Logger
}

/**
 * The child logger, the signal and the address cost microseconds and few requests want them, so they are made when asked
 * for. A class, because an object literal with getters gets a hidden class of its own each time: 20 µs a request.
 */
export class GatewayContext implements RequestContext {
  readonly requestId: string
  readonly project: Project
  readonly db: ProjectDb
  readonly apiKey: ApiKey | null
  readonly authorization: Authorization
  readonly pathPrefix: string
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #parts: ContextParts
  #log: Logger | undefined
  #signal: AbortSignal | undefined
  #departure: ClientDeparture | undefined

  constructor(request: FastifyRequest, reply: FastifyReply, parts: ContextParts) {
    this.requestId = request.id
    this.project = parts.project
    this.db = parts.db
    this.apiKey = parts.apiKey
    this.authorization = parts.authorization
    this.pathPrefix = parts.address.kind === 'path' ? `/p/${parts.project.ref}` : ''
    this.#request = request
    this.#reply = reply
    this.#parts = parts
  }

  get log(): Logger {
    return (this.#log ??= this.#parts.log.child({ requestId: this.requestId, project: this.project.ref }))
  }

  get signal(): AbortSignal {
    return (this.#signal ??= createClientSignal(this.#reply.raw))
  }

  get departure(): CancelSignal {
    return (this.#departure ??= new ClientDeparture(this.#reply.raw))
  }

  get baseUrl(): string {
    return baseUrl(this.#request.protocol, this.project.ref, this.#parts)
  }

  get clientIp(): string {
    return this.#request.ip
  }

  get answerHeaders(): readonly string[] {
    return [...requestIdHeaders(this.requestId), ...corsHeaders]
  }
}

/**
 * Links in mails are made from it, so a forged Host must not get into it. A host on this machine is repeated as it came
 * (with its port: containers and tests map them); any other answer uses the configured public URL's scheme and port, and
 * the project's own name.
 */
function baseUrl(protocol: string, ref: string, { address, publicUrl, domain }: ContextParts): string {
  const path = address.kind === 'host' ? '' : `/p/${ref}`
  if (isThisMachine(address.host)) return `${protocol}://${address.host.name}${address.host.port}${path}`
  if (address.kind !== 'host') return publicUrl.origin + publicUrl.pathname.replace(/\/+$/, '') + path
  const port = publicUrl.port === '' ? '' : `:${publicUrl.port}`
  if (address.isOwnDomain === true) return `${publicUrl.protocol}//${address.host.name}${port}`
  return `${publicUrl.protocol}//${address.label}.${domain}${port}`
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:.+\.)?localhost)$/
const isThisMachine = (host: Host) => LOOPBACK.test(host.name)
