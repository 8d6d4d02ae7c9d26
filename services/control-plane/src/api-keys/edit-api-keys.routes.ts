import { ApiKey, CreateApiKeyBody, ListApiKeysQuery, UpdateApiKeyBody } from '@favo/contracts'
import { DatabaseError } from '@favo/postgres'
import { audited } from '../audit/audited.ts'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { mayAct } from '../permissions/access.ts'
import { createKey } from '../projects/create-project.ts'
import { getProject } from '../projects/get-project.ts'
import { listApiKeyRows, type ApiKeyRow } from '../projects/project-secrets.ts'
import { route, type Route } from '../route.ts'
import { deleteApiKey, insertApiKey, updateApiKey } from './api-keys.sql.ts'
import { renderApiKey } from './render-api-key.ts'

/** Publishable and secret keys one by one. The legacy ones follow from the JWT secret and cannot be edited. */
export const editApiKeyRoutes: readonly Route[] = [
  route({
    operation: 'api_keys.create',
    method: 'POST',
    path: '/projects/:ref/api-keys',
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    summary: 'Makes a key; with `reveal=true` the answer shows it.',
    status: 201,
    query: ListApiKeysQuery,
    body: CreateApiKeyBody,
    response: ApiKey,
    handle: async (ctx, { params, query, body }): Promise<ApiKey> => {
      const { ref } = await getProject(ctx, params.ref)
      const key = {
        ...createKey(ctx, ref, body.type),
        name: body.name,
        description: body.description ?? null,
      }
      const id = await unlessTaken(body.name, () =>
        audited(ctx, async (tx) => {
          const made = await insertApiKey(tx, ref, key)
          ctx.audit.note({ target: made, after: { name: body.name, type: body.type } })
          return made
        }),
      )
      return renderApiKey(ctx, ref, await getKey(ctx, ref, id), query.reveal === 'true')
    },
  }),
  route({
    operation: 'api_keys.get',
    method: 'GET',
    path: '/projects/:ref/api-keys/:id',
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    summary: 'One key; a secret one shows only with `reveal=true`, and to who may write.',
    query: ListApiKeysQuery,
    response: ApiKey,
    handle: async (ctx, { params, query }): Promise<ApiKey> => {
      const { ref } = await getProject(ctx, params.ref)
      const isRevealed = query.reveal === 'true' && mayAct(ctx.access, 'developer')
      return renderApiKey(ctx, ref, await getKey(ctx, ref, params.id), isRevealed)
    },
  }),
  route({
    operation: 'api_keys.update',
    method: 'PATCH',
    path: '/projects/:ref/api-keys/:id',
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    summary: 'Changes a key’s name or description; the key itself stays.',
    body: UpdateApiKeyBody,
    response: ApiKey,
    handle: async (ctx, { params, body }): Promise<ApiKey> => {
      const { ref } = await getProject(ctx, params.ref)
      const { id } = await getKey(ctx, ref, params.id)
      const description = body.description === undefined ? null : (body.description ?? '')
      ctx.audit.note({ target: id, after: body })
      await unlessTaken(body.name ?? '', () =>
        audited(ctx, (tx) => updateApiKey(tx, id, { name: body.name ?? null, description })),
      )
      return renderApiKey(ctx, ref, await getKey(ctx, ref, id), false)
    },
  }),
  route({
    operation: 'api_keys.delete',
    method: 'DELETE',
    path: '/projects/:ref/api-keys/:id',
    permission: { scope: 'project', role: 'administrator', grant: 'secrets:write' },
    summary: 'Revokes a key; it stops working at once.',
    response: ApiKey,
    handle: async (ctx, { params }): Promise<ApiKey> => {
      const { ref } = await getProject(ctx, params.ref)
      const key = await getKey(ctx, ref, params.id)
      ctx.audit.note({ target: key.id, before: { name: key.name, type: key.type } })
      await audited(ctx, (tx) => deleteApiKey(tx, key.id))
      return renderApiKey(ctx, ref, key, false)
    },
  }),
]

/** Throws 404, also for keys of other projects. */
async function getKey(ctx: ControlContext, ref: string, id: string | undefined): Promise<ApiKeyRow> {
  const found = (await listApiKeyRows(ctx.db, ref)).find((key) => key.id === id)
  if (found === undefined) throw controlErrors.apiKeyNotFound()
  return found
}

async function unlessTaken<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'api_keys_name_key')
      throw controlErrors.apiKeyNameTaken(name)
    throw error
  }
}
