import { ErrorBody } from '@favo/contracts'
import type { z } from 'zod'

/** The control plane answered with an error. `message` is its sentence. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly requestId: string | null
  readonly sql: ErrorBody['sql']
  constructor(status: number, body: Omit<ErrorBody, 'request_id'> & { request_id: string | null }) {
    super(body.message)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code
    this.requestId = body.request_id
    this.sql = body.sql
  }
}

/** Nobody answered at the address, or the connection broke before the answer was complete. */
export class UnreachableError extends Error {
  readonly url: string
  constructor(url: string, cause: unknown) {
    super(`no answer from ${url}`, { cause })
    this.name = 'UnreachableError'
    this.url = url
  }
}

export interface ClientOptions {
  /** Address of the control plane, for example `http://127.0.0.1:8000`. */
  readonly url: string
  /** Personal access token, `sbp_…`. */
  readonly token: string
  /** Named to the server, for its log. */
  readonly userAgent?: string
  /** In place of the global one, which gives up after five minutes without an answer (undici). */
  readonly fetch?: Fetch
}

/** As much of `fetch` as the client uses. */
export type Fetch = (
  url: string,
  request: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: string
    readonly redirect: 'error'
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>

export interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/v1`, parts already encoded. */
  readonly path: string
  readonly body?: unknown
  readonly reply: z.ZodType<T>
  /** The answer is a text and no JSON; failures are JSON still. */
  readonly isText?: true
}

/** Sends one request. Throws `ApiError` for any status from 400, `UnreachableError` when nothing came back. */
export async function send<T>(options: ClientOptions, call: Call<T>): Promise<T> {
  const url = `${options.url.replace(/\/+$/, '')}/v1${call.path}`
  const { status, text } = await exchange(options, url, call)
  const value = call.isText === true && status < 400 ? text : parseJson(text)
  if (status >= 400) {
    const problem = ErrorBody.safeParse(value)
    throw new ApiError(
      status,
      problem.success
        ? problem.data
        : {
            message: `${url} answered ${status} without an error message of the control plane`,
            code: 'unexpected_reply',
            request_id: null,
          },
    )
  }
  const reply = call.reply.safeParse(value)
  if (!reply.success)
    throw new ApiError(status, {
      message: `${url} answered something else than this version of the client knows`,
      code: 'unexpected_reply',
      request_id: null,
    })
  return reply.data
}

async function exchange(options: ClientOptions, url: string, call: Call<unknown>) {
  try {
    const response = await (options.fetch ?? fetch)(url, {
      method: call.method,
      headers: {
        authorization: `Bearer ${options.token}`,
        accept: 'application/json',
        ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      // A redirect could carry the token to another host.
      redirect: 'error',
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    throw new UnreachableError(options.url, error)
  }
}

function parseJson(text: string): unknown {
  try {
    return text === '' ? null : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}
