import type { PlatformInfo } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { controlErrors } from '../errors.ts'
import { loadConnection } from '../projects/render-project.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'

export const platformRoutes: readonly Route[] = [
  route({
    operation: 'platform.get',
    method: 'GET',
    path: '/platform',
    // Whoever wants to sign in has no token yet. Both keys are public by their nature.
    permission: { scope: 'public' },
    handle: async (ctx): Promise<PlatformInfo> => {
      const found = await ctx.db.maybeOne<{ ref: string }>(
        sql`select ref from control.projects where is_platform`,
      )
      if (found === null) throw controlErrors.projectNotFound()
      const { ref, url, path_url, keys } = await loadConnection(ctx, await getProject(ctx, found.ref), null)
      return { ref, url, path_url, publishable_key: keys.publishable, anon_key: keys.anon }
    },
  }),
]
