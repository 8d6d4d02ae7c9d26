import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Service } from '@favo/http'
import type { ProjectDb } from '@favo/postgres'
import type { Project, ProjectDirectory } from '@favo/projects'
import type { Logger } from '@favo/runtime'
import { checkApiKey, findAuthorization } from './api-key.ts'
import { refusals, type Refusal } from './errors.ts'
import { findProject, statusRefusal } from './find-project.ts'
import { GatewayContext } from './request-context.ts'
import { address, keyOf, project } from './request-state.ts'

export interface ProjectEntry {
  readonly directory: ProjectDirectory
  readonly dbFor: (project: Project) => ProjectDb
  readonly domain: string
  readonly publicUrl: URL
  readonly log: Logger
}

/** The part of a service that admission looks at. */
export type Door = Pick<Service, 'prefix' | 'openPaths'>

/**
 * Makes `request.favo`, or says why not (null = come in). Without a promise when the directory has the project in its
 * cache, which is nearly always.
 */
export function enterProject(
  entry: ProjectEntry,
  request: FastifyRequest,
  reply: FastifyReply,
  door: Door,
): Refusal | null | Promise<Refusal | null> {
  const key = keyOf(request)
  const found = findProject(entry.directory, request[address], key)
  if (!(found instanceof Promise)) return admit(entry, request, reply, door, key, found)
  return found.then(
    (project) => admit(entry, request, reply, door, key, project),
    (error: unknown) => {
      entry.log.warn({ requestId: request.id, error }, 'the project directory does not answer')
      return refusals.directoryDown
    },
  )
}

function admit(
  entry: ProjectEntry,
  request: FastifyRequest,
  reply: FastifyReply,
  door: Door,
  key: string | null,
  found: Project | null,
): Refusal | null {
  const place = request[address]
  const apiKey = found === null || key === null ? null : checkApiKey(found, key)
  if (place.kind === 'nowhere') return refusals.unknownProject
  if (place.kind === 'platform') {
    // Here only the key names a project, so only a good one learns anything about it.
    if (key === null) return refusals.noApiKey
    if (apiKey === null) return refusals.invalidApiKey
  }
  if (found === null) return refusals.unknownProject

  request[project] = found
  const closed = statusRefusal(found)
  if (closed !== null) return closed
  if (key !== null && apiKey === null) return refusals.invalidApiKey
  if (key === null && !isOpenPath(request.url, door)) return refusals.noApiKey

  request.favo = new GatewayContext(request, reply, {
    project: found,
    db: entry.dbFor(found),
    apiKey,
    authorization: findAuthorization(request.headers.authorization, key, apiKey),
    address: place,
    publicUrl: entry.publicUrl,
    domain: entry.domain,
    log: entry.log,
  })
  return null
}

function isOpenPath(url: string, { prefix, openPaths }: Door): boolean {
  if (openPaths === undefined) return false
  const path = (url.split('?', 1)[0] ?? '').slice(prefix.length)
  return openPaths.some((pattern) => pattern.test(path))
}
