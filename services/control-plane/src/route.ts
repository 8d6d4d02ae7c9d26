import type { z } from 'zod'
import type { ControlContext } from './context.ts'
import type { Permission } from './permissions/permission.ts'

interface RouteInput<Query, Body> {
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
}

interface RouteSpec<Query, Body> {
  /** Dotted and stable: `projects.create`. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/v1`. */
  readonly path: string
  /** Checked before the body is read, and before `handle`. */
  readonly permission: Permission
  /** Of success; 200 unless given. */
  readonly status?: number
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  readonly bodyLimitBytes?: number
  /** One sentence for `/v1/openapi.json`, beside the operation's name. */
  readonly summary?: string
  /** What success answers, for `/v1/openapi.json`. */
  readonly response?: z.ZodType
  /** Of answers that are no JSON: then `handle` gives a string, a Buffer or a stream. */
  readonly contentType?: string
  readonly handle: (ctx: ControlContext, input: RouteInput<Query, Body>) => Promise<unknown>
}

export interface Route extends Omit<RouteSpec<unknown, unknown>, 'handle'> {
  /** Checks query and body by the route's schemas (ZodError), then answers. */
  answer(ctx: ControlContext, raw: RouteInput<unknown, unknown>): Promise<unknown>
}

/** A route with its schemas: inside `handle` the types are true. */
export function route<Query = undefined, Body = undefined>(spec: RouteSpec<Query, Body>): Route {
  const { handle, ...rest } = spec
  return {
    ...rest,
    answer: async (ctx, raw) =>
      handle(ctx, {
        params: raw.params,
        query: (spec.query === undefined ? undefined : spec.query.parse(raw.query)) as Query,
        body: (spec.body === undefined ? undefined : spec.body.parse(raw.body ?? {})) as Body,
      }),
  }
}
