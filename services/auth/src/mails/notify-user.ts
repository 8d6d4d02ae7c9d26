import type { NotificationName } from '@favo/contracts'
import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { isHookEnabled } from '../hooks/run-hook.ts'
import { emailHookInput } from '../hooks/send-email-hook.ts'
import type { UserRow } from '../users/user.ts'
import { composeMail, type Mail } from './compose-mail.ts'
import { storeMail } from './mails.sql.ts'

/** What the mail tells beside the user's address. */
export interface Change {
  readonly oldEmail?: string
  readonly oldPhone?: string
  readonly phone?: string
  readonly provider?: string
  readonly factorType?: string
}

/**
 * Tells a user, where the project wants that, what was changed: part of the transaction that changes it. The project's hook
 * gets it through the outbox like a mail server; its failure must not undo the change. No limit holds for these mails: who
 * floods an account with others could silence them.
 */
export async function notifyUser(
  ctx: AuthContext,
  tx: Queryable,
  user: Pick<UserRow, 'id' | 'email' | 'raw_user_meta_data'>,
  name: NotificationName,
  change: Change = {},
  recipient = user.email ?? '',
): Promise<void> {
  if (ctx.settings.mailerNotifications[name] !== true || recipient === '') return
  await storeMail(tx, await compose(ctx, tx, user, name, change, recipient))
}

async function compose(
  ctx: AuthContext,
  tx: Queryable,
  user: Pick<UserRow, 'id' | 'email' | 'raw_user_meta_data'>,
  name: NotificationName,
  change: Change,
  recipient: string,
): Promise<Mail> {
  const kind = `${name}_notification` as const
  if (isHookEnabled(ctx, 'sendEmail')) {
    const ask = { userId: user.id, kind, redirectTo: '', token: '', tokenHash: '', ...change }
    const hookInput = await emailHookInput(ctx, tx, ask)
    await ctx.outbox.announce()
    return { kind, recipient, subject: '', html: '', text: '', isOutgoing: true, hookInput }
  }
  return composeMail(ctx, kind, recipient, user.raw_user_meta_data ?? {}, {
    Email: name === 'identity_unlinked' ? recipient : (user.email ?? ''),
    OldEmail: change.oldEmail,
    Phone: change.phone,
    OldPhone: change.oldPhone,
    Provider: change.provider,
    FactorType: change.factorType,
  })
}
