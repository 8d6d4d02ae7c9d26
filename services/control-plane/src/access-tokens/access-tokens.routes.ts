import { CreateAccessTokenBody, type AccessToken, type CreatedAccessToken } from '@favo/contracts'
import { createAccessToken, sha256Hex } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import { route, type Route } from '../route.ts'
import { deleteAccessToken, insertAccessToken, listAccessTokens } from './access-tokens.sql.ts'

/** Ours: the Management API makes tokens in the dashboard only. */
export const accessTokenRoutes: readonly Route[] = [
  route({
    operation: 'access_tokens.list',
    method: 'GET',
    path: '/access-tokens',
    permission: { scope: 'account', grant: 'account:read' },
    handle: (ctx): Promise<AccessToken[]> => listAccessTokens(ctx.db),
  }),
  route({
    operation: 'access_tokens.create',
    method: 'POST',
    path: '/access-tokens',
    permission: { scope: 'account', grant: 'account:write' },
    status: 201,
    body: CreateAccessTokenBody,
    handle: async (ctx, { body }): Promise<CreatedAccessToken> => {
      const token = createAccessToken()
      const row = await insertAccessToken(ctx.db, {
        name: body.name,
        prefix: token.slice(0, 8),
        hash: sha256Hex(token),
        expiresInDays: body.expires_in_days ?? null,
      })
      return { ...row, token }
    },
  }),
  route({
    operation: 'access_tokens.revoke',
    method: 'DELETE',
    path: '/access-tokens/:id',
    permission: { scope: 'account', grant: 'account:write' },
    handle: async (ctx, { params }): Promise<AccessToken> => {
      const row = await deleteAccessToken(ctx.db, params.id ?? '')
      if (row === null) throw controlErrors.tokenNotFound()
      return row
    },
  }),
]
