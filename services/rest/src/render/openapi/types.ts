/** Postgres' types in Swagger's few. */
export type SwaggerType = 'string' | 'boolean' | 'integer' | 'number' | 'array'

const TYPES: Readonly<Record<string, SwaggerType | null>> = {
  'character varying': 'string',
  character: 'string',
  text: 'string',
  boolean: 'boolean',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  numeric: 'number',
  real: 'number',
  'double precision': 'number',
  json: null,
  jsonb: null,
}

/** Null for JSON, which may be anything. */
export function swaggerType(type: string): SwaggerType | null {
  const known = TYPES[type]
  if (known !== undefined) return known
  return type.endsWith('[]') ? 'array' : 'string'
}

export const swaggerFormat = (type: string): string =>
  type === 'smallint' || type === 'integer' ? 'int32' : type === 'bigint' ? 'int64' : type

const elementType = (type: string) => type.slice(0, -2)

/** A type of the described schema goes by its own name. */
export const localName = (type: string, schema: string): string =>
  type.startsWith(`${schema}.`) ? type.slice(schema.length + 1) : type

export function typeProperties(type: string): Record<string, unknown> {
  const swagger = swaggerType(type)
  const element = swagger === 'array' ? swaggerType(elementType(type)) : null
  return {
    format: swaggerFormat(type),
    ...(swagger === null ? {} : { type: swagger }),
    ...(swagger === 'array' ? { items: element === null ? {} : { type: element } } : {}),
  }
}

/** In a query string arrays are texts in braces, and everything needs a type. */
export const queryProperties = (type: string): Record<string, unknown> => {
  const swagger = swaggerType(type)
  return { format: swaggerFormat(type), type: swagger === null || swagger === 'array' ? 'string' : swagger }
}

export const repeatedProperties = (type: string): Record<string, unknown> => {
  const element = elementType(type)
  return {
    type: swaggerType(type) ?? 'string',
    collectionFormat: 'multi',
    items: {
      ...(swaggerType(element) === null ? {} : { type: swaggerType(element) }),
      format: swaggerFormat(element),
    },
  }
}
