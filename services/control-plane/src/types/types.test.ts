import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createPlatformDatabase,
  type TestControlPlane,
  type TestPlatformDatabase,
} from '../../test/start-control-plane.ts'

let database: TestPlatformDatabase
let plane: TestControlPlane
let ref: string

beforeAll(async () => {
  database = await createPlatformDatabase()
  plane = await database.start()
  const created = await plane.request<{ ref: string }>('POST', '/projects', { name: 'typed' })
  ref = created.body.ref
  await plane.request('POST', `/projects/${ref}/database/query`, {
    query: `
      create type mood as enum ('happy', 'sad');
      create table authors (id bigint generated always as identity primary key, name text not null, mood mood);
      create table books (id uuid primary key default gen_random_uuid(), author_id bigint not null references authors);
      create view happy_authors as select id, name from authors where mood = 'happy';
      create function count_books(author bigint) returns int language sql as 'select 1';
      create schema "odd, 'name";
      create table "odd, 'name".things (id int primary key)`,
  })
})
afterAll(() => database.close())

const generate = (language: string, schemas?: string) =>
  plane.request<{ types: string; message?: string }>(
    'GET',
    `/projects/${ref}/types/${language}${schemas === undefined ? '' : `?included_schemas=${encodeURIComponent(schemas)}`}`,
  )

test('tables, views, functions and enums become TypeScript that names PostgREST’s version', async () => {
  const { status, body } = await generate('typescript')
  expect(status).toBe(200)
  for (const text of [
    'export type Database',
    'PostgrestVersion: "14.0"',
    'mood: "happy" | "sad"',
    'author_id: number',
    'foreignKeyName: "books_author_id_fkey"',
    'happy_authors',
    'count_books: { Args: { author: number }; Returns: number }',
  ])
    expect(body.types).toContain(text)
  expect(body.types).not.toContain('things')
})

test('other schemas are typed when they are named, and none is there that does not exist', async () => {
  expect((await generate('typescript', 'auth')).body.types).toContain('refresh_tokens')
  const both = (await generate('typescript', 'public, nowhere')).body.types
  expect(both).toContain('authors')
  expect(both).not.toContain('nowhere')
})

test('Go, Python and Swift have their own', async () => {
  expect((await generate('go')).body.types).toContain('type PublicAuthorsSelect struct')
  expect((await generate('python')).body.types).toContain('class PublicAuthors(BaseModel)')
  expect((await generate('swift')).body.types).toContain('struct AuthorsSelect')
})

test.each([
  ['typescript', `public'); drop table authors; --`, 200],
  ['typescript', Array.from({ length: 51 }, (_, i) => `s${i}`).join(','), 422],
  ['typescript', 'a\0b', 422],
  ['rust', 'public', 422],
  ["typescript'--", 'public', 422],
] as const)('what is asked for is never SQL: %s of %s answers %i', async (language, schemas, status) => {
  const reply = await generate(encodeURIComponent(language), schemas)
  expect(reply.status).toBe(status)
  expect((await generate('typescript')).body.types).toContain('authors')
})
