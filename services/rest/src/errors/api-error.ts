/**
 * Errors as data: a request that cannot be served is an `ApiError` with everything its answer needs, and
 * `render/error.ts` is the only place that writes one. Codes and texts are PostgREST 14's (`Error.hs`), letter for letter.
 */
export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly details: unknown
  readonly hint: string | null
}

export class ApiError extends Error {
  readonly status: number
  readonly body: ErrorBody
  readonly headers: readonly (readonly [string, string])[]
  /** Reason phrase, where a function in the database chose one. */
  readonly statusText: string | null
  /** True when a fresher schema cache might know what this one does not. */
  readonly isCacheMiss: boolean

  constructor(
    status: number,
    body: { code: string; message: string; details?: unknown; hint?: string | null },
    more: {
      headers?: readonly (readonly [string, string])[]
      statusText?: string | null
      isCacheMiss?: boolean
      cause?: unknown
    } = {},
  ) {
    super(body.message, { cause: more.cause })
    this.name = 'ApiError'
    this.status = status
    this.body = { details: null, hint: null, ...body }
    this.headers = more.headers ?? []
    this.statusText = more.statusText ?? null
    this.isCacheMiss = more.isCacheMiss ?? false
  }
}
