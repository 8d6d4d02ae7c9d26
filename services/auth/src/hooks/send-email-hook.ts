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
  /** Of mails that tell of a change. */
  readonly oldEmail?: string
  readonly oldPhone?: string
  readonly provider?: string
  readonly factorType?: string
}

/** Gives the mail to the project's hook, which sends it. Throws what the hook refused. */
export async function sendByHook(ctx: AuthContext, tx: Queryable, ask: EmailAsk): Promise<void> {
  await runHook(ctx, 'sendEmail', await emailHookInput(ctx, tx, ask), tx)
}

/** What the hook is told of a mail. */
export async function emailHookInput(ctx: AuthContext, tx: Queryable, ask: EmailAsk): Promise<object> {
  const user = renderUser(await getUserById(tx, ask.userId))
  const data = {
    token: ask.token,
    token_hash: ask.tokenHash,
    redirect_to: ask.redirectTo,
    email_action_type: ask.kind,
    site_url: ctx.issuer,
    token_new: ask.tokenNew ?? '',
    token_hash_new: ask.tokenHashNew ?? '',
    old_email: ask.oldEmail ?? '',
    old_phone: ask.oldPhone ?? '',
    provider: ask.provider ?? '',
    factor_type: ask.factorType ?? '',
  }
  return { user, email_data: data }
}
