import { bodyBytes } from '@favo/http'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { authErrors } from './errors.ts'

/**
 * Bodies as Go's encoding/json reads them into GoTrue's structs: null leaves a field at its zero value, members that the
 * struct does not have are dropped (so nobody sets a role by naming it), and a wrong type is told in Go's words.
 */
export interface BodySchema<Body> {
  /** Name of the struct, for the message. */
  readonly struct: string
  readonly schema: z.ZodType<Body>
  /** No body at all is as good as an empty object. */
  readonly isOptional?: boolean
}

export function body<Shape extends z.ZodRawShape>(
  struct: string,
  shape: Shape,
): BodySchema<z.infer<z.ZodObject<Shape>>> {
  return { struct, schema: z.object(shape) }
}

/** Go's `string`. */
export const text = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? '')
/** Go's `*string`: null when not given. */
export const optionalText = () =>
  z
    .string()
    .nullish()
    .transform((value) => value ?? null)
/** Go's `bool`. */
export const flag = () =>
  z
    .boolean()
    .nullish()
    .transform((value) => value ?? false)
/** Go's `*bool`: null when not given. */
export const optionalFlag = () =>
  z
    .boolean()
    .nullish()
    .transform((value) => value ?? null)
/** Go's `map[string]interface{}`: null when not given. */
export const object = () =>
  z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((value) => value ?? null)

/** Throws bad_json, for an empty body too unless the endpoint says otherwise. */
export function parseBody<Body>(expected: BodySchema<Body>, request: FastifyRequest): Body {
  const { struct, schema } = expected
  const bytes = bodyBytes(request)
  if (bytes.length === 0 && expected.isOptional !== true)
    throw authErrors.badJson('unexpected end of JSON input')
  const value = bytes.length === 0 ? {} : (parseJson(bytes.toString('utf8')) ?? {})
  if (typeof value !== 'object' || Array.isArray(value))
    throw authErrors.badJson(`json: cannot unmarshal ${goKind(value)} into Go value of type api.${struct}`)

  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue?.path.map(String) ?? []
  const wrong = path.reduce<unknown>(
    (inside, key) => (inside as Record<string, unknown> | undefined)?.[key],
    value,
  )
  const type = issue?.code === 'invalid_type' ? (goTypes[issue.expected] ?? issue.expected) : 'string'
  throw authErrors.badJson(
    `json: cannot unmarshal ${goKind(wrong)} into Go struct field ${struct}.${path.join('.')} of type ${type}`,
  )
}

/** JSON has zero characters and halves of surrogate pairs, Postgres does not. They come only as escapes, so most bodies are not walked. */
function parseJson(json: string): unknown {
  let value: unknown
  let isStorable = true
  try {
    value = JSON.parse(json)
    if (/\\u(?:0000|d[89a-f])/i.test(json))
      JSON.parse(json, (key, member: unknown) => {
        isStorable &&= !unstorable.test(key) && !(typeof member === 'string' && unstorable.test(member))
        return member
      })
  } catch {
    throw authErrors.badJson('invalid character in it, or it ends too early')
  }
  if (!isStorable) throw authErrors.badJson('a text has a zero character or half of a surrogate pair')
  return value
}

const unstorable = /\0|\p{Surrogate}/u

const goTypes: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  record: 'map[string]interface {}',
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}
