import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { route, type Route } from '../route.ts'
import { describeRoutes } from './document.ts'

/** Nothing in it is secret: who may use what is checked at each route. `list` also finds these two. */
export function openApiRoutes(list: () => readonly Route[]): readonly Route[] {
  let text: string | null = null
  return [
    route({
      operation: 'open_api.get',
      method: 'GET',
      path: '/openapi.json',
      permission: { scope: 'public' },
      summary: 'This description, in OpenAPI 3.1.',
      contentType: 'application/json; charset=utf-8',
      // Always the same while the process runs.
      handle: () => Promise.resolve((text ??= JSON.stringify(describeRoutes('/v1', list())))),
    }),
    route({
      operation: 'open_api.browse',
      method: 'GET',
      path: '/docs',
      permission: { scope: 'public' },
      summary: 'This description as a page to read.',
      contentType: 'text/html; charset=utf-8',
      handle: () => readFile(join(import.meta.dirname, 'page.html'), 'utf8'),
    }),
  ]
}
