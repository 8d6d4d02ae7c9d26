import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { renderUser } from '../users/render-user.ts'
import { getUserById } from '../users/users.sql.ts'
import { runHook } from './run-hook.ts'

export interface EmailAsk {
  readonly userId: string
  /** What the mail is for: `signup`, `recovery`, … */
  readonly kind: string
  readonly redirectTo: string
  readonly token: string
  readonly tokenHash: string
  /**
   * Where both addresses of a change are asked. As GoTrue has it: `token` goes to the old address and `tokenNew` to the new
   * one, but `tokenHash` is the new one's and `tokenHashNew` the old one's.
   */
  readonly tokenNew?: string
  readonly tokenHashNew?: string
}

/** Gives the mail to the project's hook, which sends it. Throws what the hook refused. */
export async function sendByHook(ctx: AuthContext, tx: Queryable, ask: EmailAsk): Promise<void> {
  const user = renderUser(await getUserById(tx, ask.userId))
  const data = {
    token: ask.token,
    token_hash: ask.tokenHash,
    redirect_to: ask.redirectTo,
    email_action_type: ask.kind,
    site_url: ctx.issuer,
    token_new: ask.tokenNew ?? '',
    token_hash_new: ask.tokenHashNew ?? '',
    old_email: '',
    old_phone: '',
    provider: '',
    factor_type: '',
  }
  await runHook(ctx, 'sendEmail', { user, email_data: data }, tx)
}
