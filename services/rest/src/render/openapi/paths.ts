import type { Parameter, Routine, Table } from '../../schema-cache/types.ts'
import { titleAndText, type Json } from './document.ts'
import { localName, queryProperties, repeatedProperties, typeProperties } from './types.ts'

const refs = (names: readonly string[]) => names.map((name) => ({ $ref: `#/parameters/${name}` }))
const answers = (status: number, description: string) => ({ [status]: { description } })

export const rootPath: Json = {
  get: {
    tags: ['Introspection'],
    summary: 'OpenAPI description (this document)',
    produces: ['application/openapi+json', 'application/json'],
    responses: answers(200, 'OK'),
  },
}

export function tablePath(table: Table): Json {
  const { name } = table
  const operation = { tags: [name], ...summarized(table.description) }
  const filters = [...table.columns.keys()].map((column) => `rowFilter.${name}.${column}`)
  const rows = { type: 'array', items: { $ref: `#/definitions/${name}` } }
  const get = {
    ...operation,
    parameters: refs([...filters, 'select', 'order', 'range', 'rangeUnit', 'offset', 'limit', 'preferCount']),
    responses: { 200: { description: 'OK', schema: rows }, ...answers(206, 'Partial Content') },
  }
  if (!table.isInsertable && !table.isUpdatable && !table.isDeletable) return { get }
  const write = (parameters: readonly string[], status: number, description: string) => ({
    ...operation,
    parameters: refs(parameters),
    responses: answers(status, description),
  })
  return {
    get,
    post: write([`body.${name}`, 'select', 'preferPost'], 201, 'Created'),
    patch: write([...filters, `body.${name}`, 'preferReturn'], 204, 'No Content'),
    delete: write([...filters, 'preferReturn'], 204, 'No Content'),
  }
}

export function functionPath(routine: Routine, produces: readonly string[]): Json {
  const operation = {
    tags: [`(rpc) ${routine.name}`],
    ...summarized(routine.description),
    produces,
    responses: answers(200, 'OK'),
  }
  const post = { ...operation, parameters: [bodyParameter(routine), ...refs(['preferParams'])] }
  if (routine.volatility === 'volatile') return { post }
  return {
    get: {
      ...operation,
      parameters: routine.parameters.map((p) => queryParameter(p, localName(p.type, routine.schema))),
    },
    post,
  }
}

function summarized(comment: string | null): Json {
  const [summary, description] = titleAndText(comment)
  return {
    ...(summary === null ? {} : { summary }),
    ...(description === null || description === '' ? {} : { description }),
  }
}

const queryParameter = ({ name, isRequired, isVariadic }: Parameter, type: string) => ({
  name,
  required: isRequired,
  in: 'query',
  ...(isVariadic ? repeatedProperties(type) : queryProperties(type)),
})

function bodyParameter(routine: Routine): Json {
  const required = routine.parameters.filter((p) => p.isRequired).map((p) => p.name)
  return {
    name: 'args',
    required: true,
    in: 'body',
    schema: {
      ...(routine.description === null ? {} : { description: routine.description }),
      ...(required.length === 0 ? {} : { required }),
      properties: Object.fromEntries(
        routine.parameters.map((p) => [p.name, typeProperties(localName(p.type, routine.schema))]),
      ),
      type: 'object',
    },
  }
}
