import { expect, test } from 'vitest'
import { ApiError, createClient, UnreachableError, type Fetch } from './index.ts'

const answering = (status: number, body: string) => {
  const sent: Parameters<Fetch>[] = []
  const fetch: Fetch = async (url, request) => {
    sent.push([url, request])
    return { status, text: async () => body }
  }
  return { sent, client: createClient({ url: 'http://127.0.0.1:8000/', token: 'sbp_x', fetch }) }
}

test('a call carries token and body, and its reply is checked', async () => {
  const { sent, client } = answering(200, '[{"version":"1","name":"a"}]')
  expect(await client.listMigrations('a/b')).toEqual([{ version: '1', name: 'a' }])
  await client.applyMigration('ref', { query: 'select 1' })
  expect(sent.map(([url, { method, headers, body }]) => [method, url, headers.authorization, body])).toEqual([
    ['GET', 'http://127.0.0.1:8000/v1/projects/a%2Fb/database/migrations', 'Bearer sbp_x', undefined],
    [
      'POST',
      'http://127.0.0.1:8000/v1/projects/ref/database/migrations',
      'Bearer sbp_x',
      '{"query":"select 1"}',
    ],
  ])
})

test('an error of the control plane comes with its sentence, code and request id', async () => {
  const { client } = answering(409, '{"message":"No.","code":"ref_taken","request_id":"r1"}')
  const error = await client.createProject({ name: 'x' }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ message: 'No.', status: 409, code: 'ref_taken', requestId: 'r1' })
})

test.each([
  ['a page of some proxy', 502, '<html>'],
  ['a reply of another shape', 200, '{"hello":1}'],
  ['nothing', 200, ''],
])('%s is told apart', async (_name, status, body) => {
  await expect(answering(status, body).client.listProjects()).rejects.toMatchObject({
    name: 'ApiError',
    code: 'unexpected_reply',
  })
})

test('no answer at all is an error of its own', async () => {
  const client = createClient({
    url: 'http://127.0.0.1:8000',
    token: 'x',
    fetch: () => Promise.reject(new Error('ECONNREFUSED')),
  })
  await expect(client.listProjects()).rejects.toBeInstanceOf(UnreachableError)
})
