import { randomUUID } from 'node:crypto'
import { silentLogger } from '@favo/runtime'
import { createTestProject, startService, type TestProject, type TestService } from '@favo/testkit'
import type { Db, ProjectDb, Queryable } from '@favo/postgres'
import type { AuthSettings, Project } from '@favo/projects'
import { peekClaims } from '@favo/tokens'
import {
  createAuth,
  type AuthDeps,
  type AuthService,
  type MailMarks,
  type PasswordsOptions,
} from '../src/index.ts'

/** A user as replies show it. */
export interface UserBody {
  readonly id: string
  readonly aud: string
  readonly role: string
  readonly email: string
  readonly phone: string
  readonly email_confirmed_at: string
  readonly last_sign_in_at: string
  readonly banned_until?: string
  readonly app_metadata: Readonly<Record<string, unknown>>
  readonly user_metadata: Readonly<Record<string, unknown>>
  readonly identities: readonly Readonly<Record<string, unknown>>[]
  readonly is_anonymous: boolean
}

/** Whatever a reply may hold; each test knows which of it there must be. */
export interface Body extends UserBody {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: string
  readonly expires_in: number
  readonly expires_at: number
  readonly user: UserBody
  readonly users: readonly UserBody[]
  readonly mails: readonly Omit<MailBody, 'link' | 'otp'>[]
  readonly new_email: string
  readonly action_link: string
  readonly email_otp: string
  readonly hashed_token: string
  readonly verification_type: string
  readonly weak_password: { readonly reasons: readonly string[] }
  readonly code: number | string
  readonly error_code: string
  readonly msg: string
  readonly message: string
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Body
}

export interface Ask {
  readonly token?: string
  readonly headers?: Record<string, string>
}

export interface Ann {
  readonly id: string
  readonly email: string
  readonly password: string
  readonly token: string
  readonly refreshToken: string
}

export interface MailBody {
  readonly kind: string
  readonly recipient: string
  readonly subject: string
  readonly html: string
  readonly text: string
  readonly id: string
  readonly state: string
  readonly tries: number
  readonly error: string | null
  /** Its link and its code. */
  readonly link: string
  readonly otp: string
}

export interface TestAuth extends TestService {
  readonly service: AuthService
  /** Statements that the service sent since the start. */
  readonly statements: () => number
  readonly get: (path: string, ask?: Ask) => Promise<Reply>
  readonly post: (path: string, body?: unknown, ask?: Ask) => Promise<Reply>
  readonly send: (method: string, path: string, body: unknown, ask?: Ask) => Promise<Reply>
  readonly put: (path: string, body: unknown, ask?: Ask) => Promise<Reply>
  readonly delete: (path: string, body?: unknown, ask?: Ask) => Promise<Reply>
  /** Somebody new, signed up and signed in. */
  readonly ann: (data?: object) => Promise<Ann>
  readonly signIn: (email: string, password: string) => Promise<Reply>
  /** Mails to an address, the latest first. */
  readonly mails: (recipient: string) => Promise<MailBody[]>
  /** The latest mail to an address; fails when there is none. */
  readonly lastMail: (recipient: string) => Promise<MailBody>
  /** Follows a mail's link as a browser does, and tells where it leads. */
  readonly follow: (link: string) => Promise<URL>
  readonly refresh: (refreshToken: string) => Promise<Reply>
  /** The same database, served under other settings (or as another project, for a stranger's service). */
  readonly with: (auth: Partial<AuthSettings>, project?: Partial<Project>) => Promise<TestAuth>
}

export interface StartOptions {
  readonly auth?: Partial<AuthSettings>
  readonly passwords?: PasswordsOptions
  readonly outbound?: AuthDeps['outbound']
  readonly leakedPasswords?: AuthDeps['leakedPasswords']
  readonly mails?: AuthDeps['mails']['options']
  readonly marks?: MailMarks
  readonly cleanUpIntervalMs?: number
  readonly project?: Partial<Project>
  readonly given?: TestProject
}

export async function startAuth(options: StartOptions = {}): Promise<TestAuth> {
  const base = options.given ?? (await createTestProject())
  const project: Project = {
    ...base.project,
    ...options.project,
    auth: { ...base.project.auth, ...options.auth },
  }
  const counter = { statements: 0 }
  const testProject = { ...base, project, db: counting(base.db, counter) }
  const service = createAuth({
    projectUrl: ({ ref }) => `http://${ref}.favo.localhost:8000`,
    // The least that bcrypt takes: most tests are about something else.
    passwords: { cost: 4, ...options.passwords },
    outbound: options.outbound,
    leakedPasswords: options.leakedPasswords,
    mails: {
      openProject: async () => ({ project, db: testProject.db }),
      marks: options.marks ?? createMemoryMarks(),
      log: silentLogger(),
      options: options.mails,
    },
    cleanUpIntervalMs: options.cleanUpIntervalMs,
  })
  const started = await startService(() => service, testProject)

  const send = async (method: string, path: string, body: unknown, ask: Ask = {}): Promise<Reply> => {
    const reply = await fetch(started.url + path, {
      method,
      headers: {
        apikey: started.keys.anon,
        ...(body === undefined ? {} : { 'content-type': 'application/json;charset=UTF-8' }),
        ...(ask.token === undefined ? {} : { authorization: `Bearer ${ask.token}` }),
        ...ask.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await reply.text()
    const isJson = reply.headers.get('content-type')?.includes('json') === true
    return {
      status: reply.status,
      headers: reply.headers,
      body: (isJson ? JSON.parse(text) : { message: text }) as Body,
    }
  }
  const post = (path: string, body?: unknown, ask?: Ask) => send('POST', path, body, ask)
  const mails = async (recipient: string): Promise<MailBody[]> => {
    const path = `/admin/inbox?recipient=${encodeURIComponent(recipient)}`
    const { body } = await send('GET', path, undefined, { token: started.keys.service })
    return body.mails.map((mail) => ({
      ...mail,
      link: (/href="([^"]+)"/.exec(mail.html)?.[1] ?? '').replaceAll('&amp;', '&'),
      otp: /code: (\d+)/.exec(mail.html)?.[1] ?? '',
    }))
  }
  const close = async () => {
    await started.close()
    if (options.given === undefined) await base.close()
  }
  return {
    ...started,
    close,
    service,
    statements: () => counter.statements,
    send,
    get: (path, ask) => send('GET', path, undefined, ask),
    post,
    put: (path, body, ask) => send('PUT', path, body, ask),
    delete: (path, body, ask) => send('DELETE', path, body, ask),
    ann: async (data) => {
      const email = `ann-${randomUUID()}@example.com`
      const password = `secret-${randomUUID()}`
      const { status, body } = await post('/signup', { email, password, data })
      if (status !== 200) throw new Error(`sign-up: ${JSON.stringify(body)}`)
      return { id: body.user.id, email, password, token: body.access_token, refreshToken: body.refresh_token }
    },
    mails,
    lastMail: async (recipient) => {
      const [mail] = await mails(recipient)
      if (mail === undefined) throw new Error(`no mail to ${recipient}`)
      return mail
    },
    follow: async (link) => {
      const { pathname, search } = new URL(link)
      const reply = await fetch(started.url + pathname.replace(/^\/auth\/v1/, '') + search, {
        redirect: 'manual',
      })
      if (reply.status !== 303) throw new Error(`${reply.status}: ${await reply.text()}`)
      return new URL(reply.headers.get('location') ?? '')
    },
    signIn: (email, password) => post('/token?grant_type=password', { email, password }),
    refresh: (refreshToken) => post('/token?grant_type=refresh_token', { refresh_token: refreshToken }),
    with: (auth, changes) =>
      startAuth({ ...options, given: base, auth: { ...options.auth, ...auth }, project: changes }),
  }
}

export const claimsOf = (token: string): Record<string, unknown> => peekClaims(token) ?? {}
export const sessionIdOf = (token: string): string => String(claimsOf(token).session_id)

function counting(db: ProjectDb, counter: { statements: number }): ProjectDb {
  const count = <Q extends Queryable>(inner: Q): Queryable => ({
    many: (query) => (counter.statements++, inner.many(query)),
    one: (query) => (counter.statements++, inner.one(query)),
    maybeOne: (query) => (counter.statements++, inner.maybeOne(query)),
    run: (query) => (counter.statements++, inner.run(query)),
  })
  return {
    pipeline: (login, request) => db.pipeline(login, request),
    listen: (channel, onNotify, onLost) => db.listen(channel, onNotify, onLost),
    asService: (role, why): Db => {
      const inner = db.asService(role, why)
      return { ...count(inner), transaction: (work) => inner.transaction((tx) => work(count(tx))) }
    },
  }
}

/** As the platform has them in a table. */
export function createMemoryMarks(): MailMarks & { readonly refs: Set<string> } {
  const refs = new Set<string>()
  return {
    refs,
    mark: async (ref) => void refs.add(ref),
    list: async () => [...refs],
    clear: async (ref) => void refs.delete(ref),
  }
}
