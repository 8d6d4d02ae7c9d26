import { ListApiKeysQuery, type ApiKey, type LegacyApiKeys } from '@favo/contracts'
import { sha256Hex } from '@favo/tokens'
import { mayAct } from '../permissions/access.ts'
import { getProject } from '../projects/get-project.ts'
import { getJwtSecret, listApiKeyRows, signLegacyKeys } from '../projects/project-secrets.ts'
import { route, type Route } from '../route.ts'
import { masked, renderApiKey } from './render-api-key.ts'

export const apiKeyRoutes: readonly Route[] = [
  route({
    operation: 'api_keys.list',
    method: 'GET',
    path: '/projects/:ref/api-keys',
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    query: ListApiKeysQuery,
    handle: async (ctx, { params, query }): Promise<ApiKey[]> => {
      const row = await getProject(ctx, params.ref)
      const jwtSecret = await getJwtSecret(ctx, row.ref)
      // Secret keys bypass row security: who may only read would write with them.
      const maySeeSecrets = mayAct(ctx.access, 'developer')
      const legacy = Object.entries(signLegacyKeys(row, jwtSecret)).map(([name, key]): ApiKey => ({
        api_key: name === 'anon' || maySeeSecrets ? key : masked(key.slice(0, 5)),
        id: name,
        type: 'legacy',
        prefix: key.slice(0, 5),
        name,
        description: `Legacy ${name} API key`,
        hash: sha256Hex(key),
        secret_jwt_template: null,
        inserted_at: null,
        updated_at: null,
      }))
      const keys = (await listApiKeyRows(ctx.db, row.ref)).map((key) =>
        renderApiKey(ctx, row.ref, key, query.reveal === 'true' && maySeeSecrets),
      )
      return [...legacy, ...keys]
    },
  }),
  route({
    operation: 'api_keys.get_legacy',
    method: 'GET',
    path: '/projects/:ref/api-keys/legacy',
    permission: { scope: 'project', role: 'read_only', grant: 'secrets:read' },
    handle: async (ctx, { params }): Promise<LegacyApiKeys> => {
      await getProject(ctx, params.ref)
      return { enabled: true }
    },
  }),
]
