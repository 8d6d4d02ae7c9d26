import { requestErrors } from '../../errors/request-errors.ts'
import type { Access } from '../../execute/read-access.ts'
import { mediaTypeName } from '../../parse/media-type.ts'
import type { ApiRequest } from '../../parse/request.ts'
import type { Snapshot } from '../../schema-cache/load.ts'
import type { Answer } from '../response.ts'
import { profileHeader, varyHeader } from '../statement.ts'
import { buildDocument, type Address } from './document.ts'

/** @throws ApiError PGRST107 when the client wants the description in a form that it does not have */
export function validateDescription({ accept }: ApiRequest): void {
  if (!accept.some((t) => t.kind === 'openapi' || t.kind === 'json' || t.kind === 'any'))
    throw requestErrors.mediaType(accept.map(mediaTypeName))
}

/**
 * The OpenAPI 2 description at the root: of what the caller may use, or of everything where the project says so.
 *
 * @param serviceUrl where the client found the service
 */
export function renderDescription(
  request: ApiRequest,
  { schema: cache, settings }: Snapshot,
  access: Access,
  serviceUrl: string,
): Answer {
  const followsPrivileges = settings.openApiMode === 'follow-privileges'
  const document = buildDocument(
    {
      tables: [...cache.tables.values()].filter(
        (t) => t.schema === request.schema && (!followsPrivileges || access.tables.has(t.name)),
      ),
      routines: [...cache.routines.values()]
        .flat()
        .filter((r) => r.schema === request.schema && (!followsPrivileges || access.routines.has(r.id))),
      relationships: cache.relationships,
      description: access.description,
    },
    addressOf(settings.openApiServerUri ?? serviceUrl),
    settings.openApiSecurityActive,
  )
  const body = Buffer.from(JSON.stringify(document))
  const isHead = request.action.kind === 'describe' && request.action.isHead
  return {
    status: 200,
    statusText: null,
    headers: [
      ['Content-Type', 'application/openapi+json; charset=utf-8'],
      varyHeader,
      ...(isHead ? [] : [['Content-Length', String(body.length)] as const]),
      ...profileHeader(request),
    ],
    body: isHead ? null : body,
  }
}

function addressOf(uri: string): Address {
  const url = new URL(uri)
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? (scheme === 'https' ? '443' : '80') : url.port
  return { scheme, host: `${url.hostname}:${port}`, basePath: url.pathname === '' ? '/' : url.pathname }
}
