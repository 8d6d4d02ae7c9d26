import type { ProjectConnection } from '@favo/contracts'
import type { TestPlatform } from '@favo/testkit'
import { createClient } from '@supabase/supabase-js'
import { Client } from 'pg'
import WebSocket from 'ws'
import { hostFetch } from './host-fetch.ts'

/** How a client names the project: by ref or subdomain in the host, by ref in the path, or by its key alone. */
export const forms = ['ref', 'subdomain', 'path', 'key'] as const
export type Form = (typeof forms)[number]

export function addressOf(platform: TestPlatform, project: ProjectConnection, form: Form): string {
  if (form === 'path') return project.path_url
  if (form === 'key') return platform.apiUrl
  const label = form === 'ref' ? project.ref : project.subdomain
  return `http://${label}.${platform.domain}:${platform.port}`
}

/** supabase-js as an application makes it. */
export const connect = (url: string, key: string) =>
  createClient(url, key, {
    auth: { persistSession: false, autoRefreshToken: false },
    // Node before 22 has no WebSocket.
    realtime: { transport: WebSocket },
    global: { fetch: hostFetch },
  })

/** Runs SQL as the project's owner, over the database URL that `create` shows. */
export async function runSql(project: ProjectConnection, text: string): Promise<void> {
  const client = new Client({ connectionString: project.database.url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

export interface SignedIn {
  readonly client: ReturnType<typeof connect>
  readonly id: string
  readonly email: string
  readonly accessToken: string
  readonly refreshToken: string
}

export async function signUp(url: string, key: string, email: string, password: string): Promise<SignedIn> {
  const client = connect(url, key)
  const { data, error } = await client.auth.signUp({ email, password })
  if (error !== null) throw error
  if (data.session === null || data.user === null) throw new Error('sign-up gave no session')
  return {
    client,
    id: data.user.id,
    email,
    accessToken: data.session.access_token,
    refreshToken: data.session.refresh_token,
  }
}
