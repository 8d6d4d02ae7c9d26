/** What config.toml says beside `[auth]`, by the names of the Management API. What it leaves out is left out. */
export interface ReadSections {
  /** `PATCH …/postgrest`, of `[api]`. */
  readonly rest: Readonly<Record<string, string | number>>
  /** `PUT …/config/database/postgres`, of `[db.settings]`. */
  readonly postgres: Readonly<Record<string, string | number | boolean>>
  /** `POST …/network-restrictions/apply`, of `[db.network_restrictions]`; null when it is not switched on. */
  readonly network: { readonly dbAllowedCidrs: string[]; readonly dbAllowedCidrsV6: string[] } | null
  /** `PUT …/ssl-enforcement`, of `[db.ssl_enforcement]`. */
  readonly requiresTls: boolean | null
  readonly problems: readonly string[]
}

type Table = Readonly<Record<string, unknown>>

const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
    ? (value as Table)
    : {}
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'string')

/** Of a parsed config.toml. As with Supabase's CLI, restrictions count only with `enabled = true`. */
export function readSections(config: Table): ReadSections {
  const problems: string[] = []
  const texts = (name: string, value: unknown): string[] => {
    if (isTexts(value)) return value
    problems.push(`${name} must be a list of texts.`)
    return []
  }
  const flag = (name: string, value: unknown): boolean => {
    if (typeof value !== 'boolean') problems.push(`${name} must be true or false.`)
    return value === true
  }

  const { api: givenApi, db: givenDb } = config
  const [api, db] = [tableOf(givenApi), tableOf(givenDb)]
  const rest: Record<string, string | number> = {}
  if (api.schemas !== undefined) rest.db_schema = texts('api.schemas', api.schemas).join(', ')
  if (api.extra_search_path !== undefined)
    rest.db_extra_search_path = texts('api.extra_search_path', api.extra_search_path).join(', ')
  if (api.max_rows !== undefined) {
    const rows = Number(api.max_rows)
    if (Number.isSafeInteger(rows) && rows >= 0) rest.max_rows = rows
    else problems.push('api.max_rows must be a whole number.')
  }
  if (api.enabled === false) problems.push('api.enabled cannot be false: a project always has its REST API.')

  const postgres: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(tableOf(db.settings)))
    if (typeof value === 'bigint') postgres[name] = Number(value)
    else if (['string', 'number', 'boolean'].includes(typeof value))
      postgres[name] = value as string | number | boolean
    else problems.push(`db.settings.${name} must be a text, a number, true or false.`)

  const restrictions = tableOf(db.network_restrictions)
  const section = 'db.network_restrictions'
  const isRestricted = restrictions.enabled !== undefined && flag(`${section}.enabled`, restrictions.enabled)
  const network = !isRestricted
    ? null
    : {
        dbAllowedCidrs: texts(`${section}.allowed_cidrs`, restrictions.allowed_cidrs ?? []),
        dbAllowedCidrsV6: texts(`${section}.allowed_cidrs_v6`, restrictions.allowed_cidrs_v6 ?? []),
      }
  const { enabled } = tableOf(db.ssl_enforcement)
  const requiresTls = enabled === undefined ? null : flag('db.ssl_enforcement.enabled', enabled)
  return { rest, postgres, network, requiresTls, problems }
}

/** Names of all that would be set. */
export const namesOfSections = ({ rest, postgres, network, requiresTls }: ReadSections): string[] => [
  ...Object.keys(rest),
  ...Object.keys(postgres).map((name) => `postgres.${name}`),
  ...(network === null ? [] : ['network_restrictions']),
  ...(requiresTls === null ? [] : ['ssl_enforcement']),
]
