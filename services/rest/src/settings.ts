import type { RestSettings } from '@favo/projects'
import { parseRolePath, type RolePath } from './role-path.ts'

/**
 * Everything that can be set about a project's REST, all of it resolved: the project's own settings, defaults for what
 * they leave out, and over them what the database says (`alter role authenticator set pgrst.…`, as on Supabase).
 */
export interface Settings {
  /** Exposed schemas; the first is the default. */
  readonly schemas: readonly string[]
  readonly extraSearchPath: readonly string[]
  readonly maxRows: number | null
  readonly aggregatesEnabled: boolean
  readonly planEnabled: boolean
  readonly isRollbackDefault: boolean
  readonly isTransactionChoiceAllowed: boolean
  readonly preRequest: readonly string[] | null
  /** Function that answers at the root instead of the OpenAPI description. */
  readonly rootFunction: readonly string[] | null
  readonly openApiMode: 'follow-privileges' | 'ignore-privileges' | 'disabled'
  readonly openApiSecurityActive: boolean
  readonly openApiServerUri: string | null
  readonly jwtAudience: string | null
  readonly rolePath: RolePath
  /** Null = requests without a token are refused. */
  readonly anonRole: string | null
  readonly serverTiming: boolean
  /** Request header that is sent back. */
  readonly traceHeader: string | null
  /** Settings for every request's transaction (`app.settings.…`). */
  readonly appSettings: ReadonlyMap<string, string>
  /** Settings that the sessions of the API start with, and that a request with the service key has to set by itself. */
  readonly loginSettings: ReadonlyMap<string, string>
  /** Settings of a role that apply when a request takes it, and its isolation level. */
  readonly roleSettings: ReadonlyMap<string, ReadonlyMap<string, string>>
  /**
   * Settings of functions that hold from the transaction's start. (PostgREST takes regular expressions; these come from
   * customers, and one of them could hold up everybody.)
   */
  readonly hoistedFunctionSettings: ReadonlySet<string>
}

export interface RoleSetting {
  readonly role: string
  readonly name: string
  readonly value: string
}

const AUTHENTICATOR = 'authenticator'
const PREFIX = 'pgrst.'
/** Of the login, what each request has a value of its own for. */
const PER_REQUEST = new Set(['search_path', 'role', 'default_transaction_isolation'])
const HOISTED = ['statement_timeout', 'plan_filter.statement_cost_limit', 'default_transaction_isolation']

/** Those that the database may say, each after `pgrst.`. */
export const settingNames = [
  ...[
    'db_aggregates_enabled',
    'db_anon_role',
    'db_extra_search_path',
    'db_hoisted_tx_settings',
    'db_max_rows',
  ],
  ...['db_plan_enabled', 'db_pre_request', 'db_root_spec', 'db_schemas', 'db_tx_end', 'jwt_aud'],
  ...['jwt_role_claim_key', 'openapi_mode', 'openapi_security_active', 'openapi_server_proxy_uri'],
  ...['server_timing_enabled', 'server_trace_header'],
] as const

export function resolveSettings(project: RestSettings, stored: readonly RoleSetting[]): Settings {
  const ofDatabase = new Map<string, string>()
  const appSettings = new Map<string, string>()
  const loginSettings = new Map<string, string>()
  const roleSettings = new Map<string, Map<string, string>>()
  for (const { role, name, value } of stored) {
    if (role !== AUTHENTICATOR) {
      const settings = roleSettings.get(role) ?? new Map<string, string>()
      roleSettings.set(role, settings.set(name, value))
    } else if (name.startsWith(PREFIX)) ofDatabase.set(name.slice(PREFIX.length), value)
    else if (name.includes('.')) appSettings.set(name, value)
    else if (!PER_REQUEST.has(name)) loginSettings.set(name, value)
  }
  const text = (name: string) => ofDatabase.get(name)
  const list = (name: string) => (text(name) === undefined ? undefined : splitNames(text(name) ?? ''))
  const flag = (name: string) => {
    const value = text(name)?.toLowerCase()
    return value === undefined ? undefined : ['true', 'on', 'yes', '1'].includes(value)
  }
  const rows = text('db_max_rows')
  const txEnd = text('db_tx_end') ?? project.txEnd ?? 'commit'
  return {
    schemas: nonEmpty(list('db_schemas') ?? project.schemas),
    extraSearchPath: list('db_extra_search_path') ?? project.extraSearchPath,
    maxRows: rows !== undefined && /^\d+$/.test(rows) ? Number(rows) : project.maxRows,
    aggregatesEnabled: flag('db_aggregates_enabled') ?? project.aggregatesEnabled ?? false,
    planEnabled: flag('db_plan_enabled') ?? project.planEnabled ?? false,
    isRollbackDefault: txEnd.startsWith('rollback'),
    isTransactionChoiceAllowed: txEnd.endsWith('-allow-override'),
    preRequest: functionName(text('db_pre_request') ?? project.preRequest),
    rootFunction: functionName(text('db_root_spec')),
    openApiMode: openApiMode(text('openapi_mode')) ?? project.openApiMode ?? 'follow-privileges',
    openApiSecurityActive: flag('openapi_security_active') ?? false,
    openApiServerUri: text('openapi_server_proxy_uri') ?? null,
    jwtAudience: text('jwt_aud') ?? project.jwtAudience ?? null,
    rolePath: parseRolePath(text('jwt_role_claim_key')),
    anonRole: text('db_anon_role') === '' ? null : (text('db_anon_role') ?? 'anon'),
    serverTiming: flag('server_timing_enabled') ?? false,
    traceHeader: text('server_trace_header')?.toLowerCase() ?? null,
    appSettings,
    loginSettings,
    roleSettings,
    hoistedFunctionSettings: new Set(list('db_hoisted_tx_settings') ?? HOISTED),
  }
}

const nonEmpty = (schemas: readonly string[]) => (schemas.length > 0 ? schemas : ['public'])

const openApiMode = (value: string | undefined): Settings['openApiMode'] | undefined =>
  value === 'follow-privileges' || value === 'ignore-privileges' || value === 'disabled' ? value : undefined

/** `a, "b c"` into its names. A comma or a quote inside quotes belongs to the name; unquoted names keep their case. */
export function splitNames(text: string): string[] {
  const names: string[] = []
  for (const [, quoted, bare] of text.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]+))\s*(?:,|$)/g)) {
    const name = quoted === undefined ? (bare ?? '').trim() : quoted.replaceAll('""', '"')
    if (name !== '') names.push(name)
  }
  return names
}

/** `schema.function` or `function` into its parts. */
export function functionName(text: string | null | undefined): readonly string[] | null {
  if (text === null || text === undefined || text === '') return null
  return [...text.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  )
}
