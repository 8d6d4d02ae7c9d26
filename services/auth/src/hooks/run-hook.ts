import { randomUUID } from 'node:crypto'
import type { Queryable } from '@favo/postgres'
import type { HookName } from '@favo/projects'
import type { AuthContext } from '../context.ts'
import { AuthError } from '../errors.ts'
import type { Json } from '../users/user.ts'
import { hookErrors } from './hook-errors.ts'
import { parseFunctionUri } from './hook-uri.ts'
import { runFunctionHook } from './run-function-hook.ts'
import { runHttpHook } from './run-http-hook.ts'

/** What a hook is told of itself. */
const metadataNames: Readonly<Record<HookName, string>> = {
  customAccessToken: 'customize-access-token',
  mfaVerificationAttempt: 'mfa-verification',
  passwordVerificationAttempt: 'password-verification',
  sendSms: 'send-sms',
  sendEmail: 'send-email',
  beforeUserCreated: 'before-user-created',
  afterUserCreated: 'after-user-created',
}

/** What hooks need of a request, or of what is done after it. */
export type HookContext = Pick<AuthContext, 'settings' | 'outbound' | 'db' | 'clientIp'>

/** Whether it is one of the project's database; anything else is asked by HTTP. */
export const isFunctionHook = ({ settings }: Pick<AuthContext, 'settings'>, name: HookName): boolean =>
  parseFunctionUri(settings.hooks[name]?.uri ?? '') !== null

export const isHookEnabled = ({ settings }: Pick<AuthContext, 'settings'>, name: HookName): boolean =>
  settings.hooks[name]?.isEnabled === true

/**
 * Asks the project's hook. Null when it has none; an empty object when the hook had nothing to say.
 *
 * Functions run inside `tx`, or in a transaction of their own. `id` is the same for what is asked again. Throws what the hook refused, or that it could not be
 * asked. Mirrors auth internal/hooks/v0hooks/manager.go@bc32168.
 */
export async function runHook(
  ctx: HookContext,
  name: HookName,
  input: object,
  tx: Queryable | null = null,
  id: string | null = null,
): Promise<Json | null> {
  const hook = ctx.settings.hooks[name]
  if (hook === undefined || !hook.isEnabled) return null
  const metadata = {
    uuid: id ?? randomUUID(),
    time: new Date().toISOString(),
    name: metadataNames[name],
    ...(ctx.clientIp === null ? {} : { ip_address: ctx.clientIp }),
  }
  const payload = { metadata, ...input }
  try {
    return readAnswer(await ask(ctx, hook, payload, tx, id))
  } catch (error) {
    if (error instanceof AuthError) throw error
    throw hookErrors.failed(`Error running hook URI: ${hook.uri}`, error)
  }
}

function ask(
  ctx: HookContext,
  { uri, secrets }: { readonly uri: string; readonly secrets: string },
  payload: object,
  tx: Queryable | null,
  id: string | null,
): Promise<string | null> {
  if (/^https?:/.test(uri)) return runHttpHook(ctx.outbound, uri, secrets, payload, id)
  const called = parseFunctionUri(uri)
  if (called === null) throw new Error('only Postgres functions and addresses of http and https are hooks')
  if (tx !== null) return runFunctionHook(tx, called, payload)
  return ctx.db.transaction((own) => runFunctionHook(own, called, payload))
}

/** An `error` with a message is a refusal, whatever else the hook answered. */
function readAnswer(answer: string | null): Json {
  if (answer === null) return {}
  let value: unknown
  try {
    value = JSON.parse(answer)
  } catch (error) {
    throw hookErrors.failed('Error unmarshaling JSON output.', error)
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw hookErrors.failed('Error unmarshaling JSON output.')
  const { error } = value as { error?: unknown }
  if (typeof error === 'object' && error !== null) {
    const { http_code: status, message } = error as { http_code?: unknown; message?: unknown }
    if (typeof message === 'string' && message !== '')
      throw hookErrors.refused(isErrorStatus(status) ? status : 500, message)
  }
  return value as Json
}

const isErrorStatus = (status: unknown): status is number =>
  typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599
