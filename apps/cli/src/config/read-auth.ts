import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { authNames, localOnly, switches } from './auth-names.ts'
import { ValueError, type SettingValue } from './read-values.ts'

export interface ReadAuth {
  /** Body of `PATCH /v1/projects/{ref}/config/auth`: what the file says, and nothing else. */
  readonly settings: Readonly<Record<string, SettingValue>>
  /** Sentences about what was left out. */
  readonly warnings: readonly string[]
  /** Sentences about what cannot be used; nothing should be applied then. */
  readonly problems: readonly string[]
}

export interface ReadAuthOptions {
  /** For `env(NAME)`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that holds supabase/, for paths of templates. */
  readonly workdir: string
}

/** Reads `[auth]` of a parsed config.toml. */
export async function readAuth(section: unknown, options: ReadAuthOptions): Promise<ReadAuth> {
  const reader = new Reader(options)
  await reader.table('', section)
  return reader
}

type Table = Readonly<Record<string, unknown>>
const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

class Reader implements ReadAuth {
  readonly settings: Record<string, SettingValue> = {}
  readonly warnings: string[] = []
  readonly problems: string[] = []
  readonly #options: ReadAuthOptions

  constructor(options: ReadAuthOptions) {
    this.#options = options
  }

  async table(path: string, value: unknown): Promise<void> {
    if (!isTable(value)) return
    if (path === 'third_party') return this.#thirdParty(value)
    if (this.#isOff(path, value)) return
    for (const [key, member] of Object.entries(value))
      await this.#member(path === '' ? key : `${path}.${key}`, member)
  }

  async #member(path: string, given: unknown): Promise<void> {
    const [section, key] = split(path)
    if (localOnly.has(path)) return this.#checkLocal(path, given)
    if (key === 'enabled' && switches.some((each) => each.section.test(section) && !(path in authNames)))
      return
    if (key === 'content_path') return this.#content(section, given)
    if (key === 'redirect_uri' && section.startsWith('external.')) {
      if (given !== '') this.#warn(path, 'is not used: providers lead back to the address of the project')
      return
    }
    const known = authNames[path]
    if (known === undefined) {
      if (isTable(given)) return this.table(path, given)
      return this.#warn(path, 'is not a setting that Favo knows')
    }
    const value = this.#resolve(path, given)
    if (value === undefined) return
    // As with Supabase's CLI: without a mail server of its own a project's limit stays.
    if (path === 'rate_limit.email_sent' && !this.#sendsMails) {
      this.#unsent = { path, value }
      return
    }
    this.#set(path, known, value)
  }

  #sendsMails = false
  #unsent: { readonly path: string; readonly value: unknown } | null = null

  #set(path: string, { name, read }: (typeof authNames)[string], value: unknown): void {
    try {
      this.settings[name] = read(value)
    } catch (error) {
      if (!(error instanceof ValueError)) throw error
      this.problems.push(`auth.${path} ${error.message}.`)
    }
  }

  /** Whether a section is switched off; then only that is said of it. */
  #isOff(path: string, value: Table): boolean {
    const found = switches.find(({ section }) => section.test(path))
    if (found === undefined) return false
    const isOn = value.enabled ?? found.isOn
    if (typeof isOn !== 'boolean') {
      this.problems.push(`auth.${path}.enabled must be true or false.`)
      return true
    }
    if (path === 'email.smtp') this.#mailServer(isOn)
    if (path.startsWith('sms.') && isOn) this.settings.sms_provider = path.slice('sms.'.length)
    if (isOn) return false
    const known = authNames[`${path}.enabled`]
    if (known !== undefined) this.settings[known.name] = false
    return true
  }

  #mailServer(isOn: boolean): void {
    this.#sendsMails = isOn
    if (!isOn) this.settings.smtp_host = ''
    const limit = this.#unsent
    const known = authNames['rate_limit.email_sent']
    if (isOn && limit !== null && known !== undefined) this.#set(limit.path, known, limit.value)
  }

  /** `env(NAME)` is the value of that variable. Undefined, with a warning, when there is none. */
  #resolve(path: string, value: unknown): unknown {
    const name = typeof value === 'string' ? /^env\((.+)\)$/.exec(value)?.[1] : undefined
    if (name === undefined) return value
    const found = this.#options.env[name]
    if (found === undefined || found === '') {
      this.#warn(path, `names the environment variable ${name}, which is not set`)
      return undefined
    }
    return found
  }

  /** Below the folder that holds supabase/, as templates have it; else below supabase/, as notifications have it. */
  async #content(section: string, given: unknown): Promise<void> {
    const known = authNames[`${section}.content`]
    if (known === undefined) return this.#warn(`${section}.content_path`, 'is not a setting that Favo knows')
    if (typeof given !== 'string') {
      this.problems.push(`auth.${section}.content_path must be a text.`)
      return
    }
    if (given === '') return
    const { workdir } = this.#options
    for (const path of [resolve(workdir, given), resolve(workdir, 'supabase', given)]) {
      const content = await readFile(path, 'utf8').catch(() => null)
      if (content === null) continue
      this.settings[known.name] = content
      return
    }
    this.problems.push(`auth.${section}.content_path: there is no file ${given}.`)
  }

  #checkLocal(path: string, value: unknown): void {
    if (path === 'enable_refresh_token_rotation' && value === false)
      this.#warn(path, 'cannot be false: refresh tokens are always replaced when they are used')
  }

  #thirdParty(value: Table): void {
    for (const [name, provider] of Object.entries(value))
      if (isTable(provider) && provider.enabled === true)
        this.#warn(`third_party.${name}`, 'is not supported: tokens of other services are not accepted')
  }

  #warn(path: string, why: string): void {
    this.warnings.push(`auth.${path} ${why}; it was left out.`)
  }
}

function split(path: string): readonly [section: string, key: string] {
  const at = path.lastIndexOf('.')
  return at === -1 ? ['', path] : [path.slice(0, at), path.slice(at + 1)]
}
