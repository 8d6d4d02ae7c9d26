import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { authErrors } from '../errors.ts'
import { route } from '../route.ts'
import { deleteOtherSessionsOfUser, deleteSession, deleteSessionsOfUser } from '../sessions/sessions.sql.ts'

const scopes = ['global', 'local', 'others'] as const
type Scope = (typeof scopes)[number]

export const logoutRoute = route({
  operation: 'auth.sign_out',
  method: 'POST',
  path: '/logout',
  access: 'user',
  handle: async (ctx, { caller, query }) => {
    await signOut(ctx, caller, parseScope(query.get('scope') ?? ''))
    return { status: 204 }
  },
})

function parseScope(asked: string): Scope {
  const scope = scopes.find((known) => known === (asked === '' ? 'global' : asked))
  if (scope === undefined)
    throw authErrors.validationFailed(`Unsupported logout scope ${JSON.stringify(asked)}`)
  return scope
}

/**
 * Ends this session, all, or all others of the user. Their refresh tokens go with them, and their access tokens stop
 * working here at once (elsewhere when they expire). A token without a session ends all, whatever it asks.
 */
function signOut(ctx: AuthContext, { user, session }: SignedIn, scope: Scope): Promise<void> {
  return ctx.db.transaction(async (tx) => {
    await recordAudit(tx, 'logout', user)
    if (session === null || scope === 'global') await deleteSessionsOfUser(tx, user.id)
    else if (scope === 'local') await deleteSession(tx, session.id)
    else await deleteOtherSessionsOfUser(tx, user.id, session.id)
  })
}
