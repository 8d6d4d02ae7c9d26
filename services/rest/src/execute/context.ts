import { quoteIdent, type Setting } from '@favo/postgres'
import type { Caller } from '../authenticate.ts'
import { utf8Header, type ApiRequest, type RawRequest } from '../parse/request.ts'
import type { Routine } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'

/**
 * Set before anything else runs: who asks, and what Supabase's and PostgREST's functions look at. All of it local to the
 * transaction. The role comes early: what follows is set with the caller's rights, not the login's.
 */
export function contextSettings(
  raw: RawRequest,
  request: ApiRequest,
  caller: Caller,
  settings: Settings,
  routine: Routine | null,
): readonly Setting[] {
  const list: Setting[] = [
    ['search_path', searchPath(request.schema, settings)],
    ['role', settings.roleSettings.get(caller.role)?.get('role') ?? caller.role],
    ['request.jwt.claims', caller.claims],
    ['request.method', raw.method],
    ['request.path', raw.path],
    ['request.headers', headersJson(raw)],
    ['request.cookies', cookiesJson(raw.headers.cookie)],
  ]
  if (caller.role === 'service_role') for (const setting of settings.loginSettings) list.push(setting)
  for (const setting of roleSettings(settings, caller.role)) list.push(setting)
  if (routine !== null && routine.settings.length > 0) list.push(...functionSettings(settings, routine))
  for (const setting of settings.appSettings) list.push(setting)
  const { timezone } = request.preferences
  if (timezone !== null) list.push(['TimeZone', timezone])
  return list
}

const paths = new WeakMap<Settings, Map<string, string>>()

function searchPath(schema: string, settings: Settings): string {
  let known = paths.get(settings)
  if (known === undefined) paths.set(settings, (known = new Map<string, string>()))
  let path = known.get(schema)
  if (path === undefined) {
    path = [schema, ...settings.extraSearchPath].map(quoteIdent).join(', ')
    known.set(schema, path)
  }
  return path
}

/** An isolation level cannot be set any more once a statement runs; it goes into the BEGIN. */
const ISOLATION = 'default_transaction_isolation'

function roleSettings(settings: Settings, role: string): readonly Setting[] {
  const found = settings.roleSettings.get(role)
  if (found === undefined) return none
  let list = lists.get(found)
  if (list === undefined)
    lists.set(found, (list = [...found].filter(([name]) => name !== ISOLATION && name !== 'role')))
  return list
}

const none: readonly Setting[] = []
const lists = new WeakMap<ReadonlyMap<string, string>, readonly Setting[]>()

const functionSettings = (settings: Settings, routine: Routine): Setting[] =>
  routine.settings.filter(([name]) => name !== ISOLATION && settings.hoistedFunctionSettings.has(name))

const headerTexts = new WeakMap<object, string>()

function headersJson({ headers, headersKey }: RawRequest): string {
  let text = headerTexts.get(headersKey)
  if (text === undefined) {
    const others = headers.cookie === undefined ? headers : { ...headers, cookie: undefined }
    headerTexts.set(headersKey, (text = utf8Header(JSON.stringify(others))))
  }
  return text
}

function cookiesJson(header: string | undefined): string {
  if (header === undefined) return '{}'
  const cookies: Record<string, string> = {}
  for (const piece of utf8Header(header).split(';')) {
    const equals = piece.indexOf('=')
    const name = (equals < 0 ? piece : piece.slice(0, equals)).trim()
    if (name !== '') cookies[name] = equals < 0 ? '' : piece.slice(equals + 1).trim()
  }
  return JSON.stringify(cookies)
}

export function isolationOf(settings: Settings, role: string, routine: Routine | null) {
  const ofRole = settings.roleSettings.get(role)?.get(ISOLATION)?.toLowerCase()
  const ofRoleKnown = ofRole === 'repeatable read' || ofRole === 'serializable' ? ofRole : null
  return routine?.isolation ?? ofRoleKnown
}
