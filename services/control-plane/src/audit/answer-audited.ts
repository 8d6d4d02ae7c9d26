import type { ControlContext } from '../context.ts'
import { toControlError } from '../error-reply.ts'
import { controlErrors } from '../errors.ts'
import type { Platform } from '../platform.ts'
import type { Route } from '../route.ts'
import type { AuditEntry } from './audit-entry.ts'

/**
 * Runs a route's handler and sees to the audit row of what is no GET: of what took place, what may have taken place (the
 * server failed underway), and what was seen but not allowed. What was refused for its form changed nothing and has no row.
 */
export async function answerAudited(
  platform: Platform,
  route: Route,
  ctx: ControlContext & { readonly audit: AuditEntry },
  input: Parameters<Route['answer']>[1],
): Promise<unknown> {
  if (route.method === 'GET') return route.answer(ctx, input)
  let answer: unknown
  try {
    answer = await route.answer(ctx, input)
  } catch (error) {
    const status = toControlError(error)?.status ?? 500
    if (status === 403 || status >= 500)
      await ctx.audit.finish(platform.db, status).catch((failure: unknown) => {
        platform.log.error({ requestId: ctx.requestId, error: failure }, 'the audit row could not be written')
      })
    throw error
  }
  try {
    await ctx.audit.finish(platform.db, route.status ?? 200)
  } catch (error) {
    // Nothing is acknowledged that is not written down.
    throw controlErrors.notRecorded(error)
  }
  return answer
}
