import type { AuthContext } from '../context.ts'
import { renderUser } from '../users/render-user.ts'
import { findUserById } from '../users/users.sql.ts'
import { isHookEnabled, runHook } from './run-hook.ts'

/**
 * Tells the project's hook of the users that the request made, once they are stored. Throws what it answers: the user stays,
 * and who signed up is told, as in GoTrue (auth internal/api/hooks.go@bc32168 triggerAfterUserCreated).
 */
export async function tellAfterCreating(ctx: AuthContext): Promise<void> {
  if (!isHookEnabled(ctx, 'afterUserCreated')) return
  for (const id of ctx.newUserIds) {
    const user = await findUserById(ctx.db, id)
    if (user !== null) await runHook(ctx, 'afterUserCreated', { user: renderUser(user) })
  }
}
