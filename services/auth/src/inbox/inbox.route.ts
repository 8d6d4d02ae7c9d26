import { listMails } from '../mails/mails.sql.ts'
import { route } from '../route.ts'

const LIMIT_MAX = 500

/** The mails of a project without a mail server, for the service key. Favo's own: GoTrue has nothing like it. */
export const inboxRoute = route({
  operation: 'auth.admin_list_mails',
  method: 'GET',
  path: '/admin/inbox',
  access: 'admin',
  handle: async (ctx, { query }) => {
    const asked = Number(query.get('limit') ?? 50)
    const limit = Number.isInteger(asked) ? Math.min(Math.max(asked, 1), LIMIT_MAX) : 50
    const recipient = query.get('recipient')?.toLowerCase() ?? null
    return { status: 200, body: { mails: await listMails(ctx.db, recipient, limit) } }
  },
})
