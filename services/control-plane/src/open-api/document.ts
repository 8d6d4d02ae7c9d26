import { ErrorBody } from '@favo/contracts'
import { z } from 'zod'
import type { Permission } from '../permissions/permission.ts'
import type { Route } from '../route.ts'
import { withDescription } from './descriptions.ts'

type Json = Record<string, unknown>

/** The description of all routes in OpenAPI 3.1, made of the very schemas that check their requests. */
export function describeRoutes(prefix: string, routes: readonly Route[]): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const found of routes
    .map(withDescription)
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const path = `${prefix}${found.path.replace(/:(\w+)/g, '{$1}')}`
    paths[path] = { ...paths[path], [found.method.toLowerCase()]: describeOperation(found, components) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Favo Management API',
      version: 'v1',
      description:
        'Supabase’s Management API, as its CLI and MCP server use it, and Favo’s own resources in the same style.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A personal access token: `sbp_…`.' },
      },
      schemas: { Error: describe(ErrorBody, 'Error', 'output', components), ...components },
    },
  }
}

function describeOperation(found: Route, components: Json): Json {
  const { operation, path, permission, query, body, response, contentType } = found
  return {
    operationId: operation,
    tags: [operation.split('.')[0]],
    ...(found.summary === undefined ? {} : { summary: found.summary }),
    description: describePermission(permission),
    ...(permission.scope === 'public' ? { security: [] } : {}),
    parameters: [
      ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
        name,
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      ...(query === undefined
        ? []
        : describeQuery(describe(query, `${operation}.query`, 'input', components))),
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: describe(body, `${operation}.body`, 'input', components) },
            },
          },
        }),
    responses: {
      [found.status ?? 200]: {
        description: 'Success',
        content: {
          [contentType ?? 'application/json']: {
            schema:
              response === undefined ? {} : describe(response, `${operation}.reply`, 'output', components),
          },
        },
      },
      default: {
        description: 'Failure, with a sentence.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  }
}

function describeQuery(schema: Json): Json[] {
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : []
  return Object.entries((schema.properties ?? {}) as Json).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: property,
  }))
}

function describePermission(permission: Permission): string {
  switch (permission.scope) {
    case 'public':
      return 'For everybody, without a token.'
    case 'account':
      return `For everybody who is signed in. Tokens with scopes need \`${permission.grant}\`.`
    case 'platform':
      return `For administrators of the platform. Tokens with scopes need \`${permission.grant}\`.`
    default:
      return `For members of the organization from the role \`${permission.role}\` on. Tokens with scopes need \`${permission.grant}\`.`
  }
}

/** A schema on its own. Parts that refer to themselves move to the components, where a reference finds them. */
function describe(schema: z.ZodType, name: string, io: 'input' | 'output', components: Json): Json {
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json
  const text = JSON.stringify(made).replaceAll('"#/$defs/', `"#/components/schemas/${name}.`)
  const { $defs: parts, ...rest } = JSON.parse(text) as Json
  // Said once for the whole document.
  delete rest.$schema
  for (const [part, definition] of Object.entries((parts ?? {}) as Json))
    components[`${name}.${part}`] = definition
  return rest
}
