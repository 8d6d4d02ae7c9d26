import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'
import { routes } from '../service.ts'
import { descriptions, withDescription } from './descriptions.ts'

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

let database: TestPlatformDatabase
let plane: TestControlPlane
beforeAll(async () => {
  database = await createPlatformDatabase()
  plane = await database.start()
})
afterAll(() => database.close())

const read = async (path: string) => fetch(`${plane.url}/v1${path}`)

test('the description has every route once, and is served without a token', async () => {
  const reply = await read('/openapi.json')
  expect(reply.headers.get('content-type')).toContain('application/json')
  const { openapi, paths } = (await reply.json()) as Document
  expect(openapi).toBe('3.1.0')
  const described = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  )
  expect(described.sort()).toEqual(routes.map(({ operation }) => operation).sort())
  expect(new Set(described).size).toBe(described.length)
})

test('every route has a sentence, and says what it answers', () => {
  const described = routes.map(withDescription)
  expect(described.filter(({ summary }) => summary === undefined).map(({ operation }) => operation)).toEqual(
    [],
  )
  const silent = described.filter(
    ({ response, contentType }) => response === undefined && contentType === undefined,
  )
  expect(silent.map(({ operation }) => operation)).toEqual([])
  const known = new Set(routes.map(({ operation }) => operation))
  expect(Object.keys(descriptions).filter((operation) => !known.has(operation))).toEqual([])
})

test('every reference in it leads somewhere', async () => {
  const text = await (await read('/openapi.json')).text()
  const { components } = JSON.parse(text) as Document
  const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '')
  expect(names).toContain('Error')
  for (const name of names) expect(components.schemas, name).toHaveProperty([name])
  expect(text).not.toContain('$defs')
})

test('the page to read it asks nobody else for anything', async () => {
  const reply = await read('/docs')
  expect(reply.headers.get('content-type')).toContain('text/html')
  const text = await reply.text()
  expect(text).toContain("fetch('openapi.json')")
  expect(text).not.toMatch(/https?:|src=/)
})
