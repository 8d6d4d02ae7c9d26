import { authErrors } from '../errors.ts'
import { listMails, reviveMail } from '../mails/mails.sql.ts'
import { route } from '../route.ts'

const LIMIT_MAX = 500

/**
 * The mails of a project, for the service key: those that are held here because there is no mail server, those that wait for
 * it, and what became of the others. Favo's own: GoTrue has nothing like it.
 */
const listMailsRoute = route({
  operation: 'auth.admin_list_mails',
  method: 'GET',
  path: '/admin/inbox',
  access: 'admin',
  handle: async (ctx, { query }) => {
    const asked = Number(query.get('limit') ?? 50)
    const limit = Number.isInteger(asked) ? Math.min(Math.max(asked, 1), LIMIT_MAX) : 50
    const recipient = query.get('recipient')?.toLowerCase() ?? null
    return { status: 200, body: { mails: await listMails(ctx.db, recipient, query.get('state'), limit) } }
  },
})

/** Tries a mail again that was given up. */
const retryMailRoute = route({
  operation: 'auth.admin_retry_mail',
  method: 'POST',
  path: '/admin/inbox/:id/retry',
  access: 'admin',
  handle: async (ctx, { params }) => {
    const id = params.id ?? ''
    if (!/^\d{1,18}$/.test(id)) throw authErrors.mailNotFound()
    await ctx.outbox.announce()
    if (!(await reviveMail(ctx.db, id))) throw authErrors.mailNotFound()
    return { status: 200, body: {} }
  },
})

export const inboxRoutes = [listMailsRoute, retryMailRoute]
