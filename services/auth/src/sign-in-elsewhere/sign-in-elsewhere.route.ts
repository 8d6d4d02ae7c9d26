import type { AuthContext } from '../context.ts'
import { route, type AuthReply } from '../route.ts'
import { finishSignIn, getFlow, redirectOf } from './callback.ts'
import { errorParams, logFailure, redirect, redirectWithError } from './redirects.ts'
import { startSignIn } from './start-sign-in.ts'

export const authorizeRoute = route({
  operation: 'auth.authorize',
  method: 'GET',
  path: '/authorize',
  access: 'open',
  handle: async (ctx, { query, redirectTo }) => redirect(await startSignIn(ctx, query, redirectTo, null)),
})

export const callbackRoute = route({
  operation: 'auth.callback',
  method: 'GET',
  path: '/callback',
  access: 'open',
  handle: async (ctx, { query }) => handleCallback(ctx, query),
})

/** Apple posts what it has to say. */
export const postedCallbackRoute = route({
  operation: 'auth.callback',
  method: 'POST',
  path: '/callback',
  access: 'open',
  handle: async (ctx, { query, form }) => handleCallback(ctx, new URLSearchParams([...form, ...query])),
})

async function handleCallback(ctx: AuthContext, returned: URLSearchParams): Promise<AuthReply> {
  let target: string | null = null
  try {
    const flow = await getFlow(ctx, returned.get('state') ?? '')
    target = redirectOf(ctx, flow)
    return await finishSignIn(ctx, flow, returned)
  } catch (error) {
    logFailure(ctx, error, 'sign-in elsewhere failed')
    if (target !== null) return redirectWithError(target, errorParams(error))
    // Without a flow nobody knows where the browser came from: the site is told, in the query only, as GoTrue does it.
    const site = new URL(ctx.settings.siteUrl)
    for (const [name, value] of Object.entries(errorParams(error))) site.searchParams.set(name, value)
    return redirect(site.toString(), 303)
  }
}
