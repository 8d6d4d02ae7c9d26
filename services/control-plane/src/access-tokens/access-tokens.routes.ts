import { CreateAccessTokenBody, type AccessToken, type CreatedAccessToken } from '@favo/contracts'
import { createAccessToken, sha256Hex } from '@favo/tokens'
import type { ControlContext } from '../context.ts'
import { controlErrors } from '../errors.ts'
import { covers, grants } from '../permissions/grants.ts'
import { route, type Route } from '../route.ts'
import { findUserByEmail } from '../users/users.sql.ts'
import {
  deleteAccessToken,
  deleteAnyAccessToken,
  insertAccessToken,
  listAccessTokens,
  type AccessTokenRow,
} from './access-tokens.sql.ts'
import { userOf } from './actor.ts'

/** Ours: the Management API makes tokens in the dashboard only. Everybody sees and revokes his own. */
export const accessTokenRoutes: readonly Route[] = [
  route({
    operation: 'access_tokens.list',
    method: 'GET',
    path: '/access-tokens',
    permission: { scope: 'account', grant: 'account:read' },
    handle: async ({ db, actor }) => (await listAccessTokens(db, userOf(actor)?.id ?? null)).map(render),
  }),
  route({
    operation: 'access_tokens.create',
    method: 'POST',
    path: '/access-tokens',
    permission: { scope: 'account', grant: 'account:write' },
    status: 201,
    body: CreateAccessTokenBody,
    handle: async (ctx, { body }): Promise<CreatedAccessToken> => {
      const scopes = readScopes(ctx, body.scopes)
      const userId = await findOwner(ctx, body.user)
      const token = createAccessToken()
      return ctx.db.transaction(async (tx) => {
        const row = await insertAccessToken(tx, {
          name: body.name,
          prefix: token.slice(0, 8),
          hash: sha256Hex(token),
          expiresInDays: body.expires_in_days ?? null,
          scopes,
          userId,
        })
        ctx.audit.note({
          target: row.id,
          after: { name: row.name, scopes, user_id: userId, expires_at: row.expires_at },
        })
        await ctx.audit.write(tx)
        return { ...render(row), token }
      })
    },
  }),
  route({
    operation: 'access_tokens.revoke',
    method: 'DELETE',
    path: '/access-tokens/:id',
    permission: { scope: 'account', grant: 'account:write' },
    handle: ({ db, actor, access, audit }, { params }) =>
      db.transaction(async (tx) => {
        const id = params.id ?? ''
        const row = access.isPlatformAdministrator
          ? await deleteAnyAccessToken(tx, id)
          : await deleteAccessToken(tx, id, userOf(actor)?.id ?? null)
        if (row === null) throw controlErrors.tokenNotFound()
        audit.note({ target: row.id, before: { name: row.name, user_id: row.user_id } })
        await audit.write(tx)
        return render(row)
      }),
  }),
]

/** Throws for what there is not, and for more than the token at hand is good for. */
function readScopes({ actor }: ControlContext, wanted: readonly string[] | undefined): string[] | null {
  const own = actor.kind === 'token' ? actor.scopes : null
  if (wanted === undefined) return own === null ? null : [...own]
  const scopes = [...new Set(wanted)]
  for (const scope of scopes) {
    const grant = grants.find((known) => known === scope)
    if (grant === undefined)
      throw controlErrors.invalid(`scopes: there is no ${scope}. There are ${grants.join(', ')}.`)
    if (own !== null && !covers(own, grant)) throw controlErrors.insufficientScope(grant)
  }
  return scopes
}

/** Whose the new token is: the actor's, or, for platform administrators, whose they say. Null: the platform's. */
async function findOwner(
  { db, actor, access }: ControlContext,
  email: string | undefined,
): Promise<string | null> {
  if (email === undefined) return userOf(actor)?.id ?? null
  if (email === userOf(actor)?.email) return userOf(actor)?.id ?? null
  if (!access.isPlatformAdministrator) throw controlErrors.forPlatformAdministrators()
  const user = await findUserByEmail(db, email)
  if (user === null) throw controlErrors.userNotFound()
  return user.id
}

const render = ({ scopes, ...row }: AccessTokenRow): AccessToken => ({
  ...row,
  scopes: scopes === null ? null : (JSON.parse(scopes) as string[]),
})
