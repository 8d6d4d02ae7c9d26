import type { Step } from '@favo/postgres'
import { quoteIdent } from '@favo/postgres'
import type { Caller } from '../authenticate.ts'
import { utf8Header, type ApiRequest, type RawRequest } from '../parse/request.ts'
import type { Routine } from '../schema-cache/types.ts'
import type { Settings } from '../settings.ts'

/**
 * The first statement of every pipeline: who asks, and what Supabase's and PostgREST's functions look at. All of it local
 * to the transaction.
 */
export function contextStep(
  raw: RawRequest,
  request: ApiRequest,
  caller: Caller,
  settings: Settings,
  options: { readonly isRead: boolean; readonly routine: Routine | null },
): Step {
  const more = [
    ...roleSettings(settings, caller.role),
    ...functionSettings(settings, options.routine),
    ...settings.appSettings,
  ]
  const { timezone } = request.preferences
  if (timezone !== null) more.push(['TimeZone', timezone])
  if (options.isRead) more.push(['transaction_read_only', 'on'])
  return {
    text: contextText(more.length),
    plan: 'context',
    values: [
      searchPath(request.schema, settings),
      caller.role,
      caller.claims,
      raw.method,
      raw.path,
      headersJson(raw.headers),
      cookiesJson(raw.headers.cookie),
      ...more.flat(),
    ],
  }
}

// The role comes early: what follows is set with the caller's rights, not the login's.
const FIXED = [
  'search_path',
  'role',
  'request.jwt.claims',
  'request.method',
  'request.path',
  'request.headers',
  'request.cookies',
]
const texts = new Map<number, string>()

/** One text for each number of further settings; each is prepared once. */
function contextText(more: number): string {
  const known = texts.get(more)
  if (known !== undefined) return known
  const calls = [
    ...FIXED.map((name, i) => `set_config('${name}', $${i + 1}, true)`),
    ...Array.from({ length: more }, (_, i) => {
      const n = FIXED.length + 2 * i
      return `set_config($${n + 1}, $${n + 2}, true)`
    }),
  ]
  const text = `select ${calls.join(', ')}`
  texts.set(more, text)
  return text
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

const roleSettings = (settings: Settings, role: string): [string, string][] =>
  [...(settings.roleSettings.get(role) ?? [])].filter(([name]) => name !== ISOLATION)

function functionSettings(settings: Settings, routine: Routine | null): [string, string][] {
  if (routine === null || routine.settings.length === 0) return []
  return routine.settings
    .filter(([name]) => name !== ISOLATION && settings.hoistedFunctionSettings.some((p) => p.test(name)))
    .map(([name, value]) => [name, value])
}

function headersJson(headers: RawRequest['headers']): string {
  const others = headers.cookie === undefined ? headers : { ...headers, cookie: undefined }
  return utf8Header(JSON.stringify(others))
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
