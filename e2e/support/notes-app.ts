import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface NotesApp {
  /** `http://localhost:<port>`. */
  readonly url: string
  /** Paths and queries that browsers asked for. */
  readonly visits: readonly string[]
  /** Where its page is, for a project reached in a way of its own. */
  pageFor(options: AppOptions): string
  close(): Promise<void>
}

export interface AppOptions {
  readonly projectUrl: string
  readonly key: string
  readonly flowType: 'pkce' | 'implicit'
  /** Where browsers shall come back to; the page itself unless given. */
  readonly redirectTo?: string
}

/**
 * An application of a customer: one page, served from an origin of its own, with supabase-js as browsers get it from a CDN. It
 * signs in with Keycloak, writes a note and lists those that it may see.
 */
export async function startNotesApp(): Promise<NotesApp> {
  const visits: string[] = []
  const main = createRequire(import.meta.url).resolve('@supabase/supabase-js')
  const library = await readFile(join(main, '../umd/supabase.js'))
  const server = createServer((request, reply) => {
    const isLibrary = request.url === '/supabase.js'
    if (!isLibrary) visits.push(request.url ?? '')
    reply
      .writeHead(200, { 'content-type': isLibrary ? 'text/javascript' : 'text/html; charset=utf-8' })
      .end(isLibrary ? library : page)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    url,
    visits,
    pageFor: ({ projectUrl, key, flowType, redirectTo }) => {
      const query = new URLSearchParams({ projectUrl, key, flowType })
      const own = `${url}/notes?${query.toString()}`
      query.set('redirectTo', redirectTo ?? own)
      return `${url}/notes?${query.toString()}`
    },
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections()
        server.close(() => closed())
      }),
  }
}

const page = `<!doctype html>
<title>Notes</title>
<script src="/supabase.js"></script>
<h1>Notes</h1>
<p id="state">…</p>
<ul id="notes"></ul>
<button id="sign-in">Sign in with Keycloak</button>
<button id="sign-out">Sign out</button>
<script type="module">
  const show = (id, text) => { document.getElementById(id).textContent = text }
  const query = new URLSearchParams(location.search)
  const told = Object.fromEntries(['error', 'error_description', 'error_code'].map((name) => [name, query.get(name)]))
  const client = supabase.createClient(query.get('projectUrl'), query.get('key'), {
    auth: { flowType: query.get('flowType') },
  })
  document.getElementById('sign-in').onclick = () =>
    client.auth.signInWithOAuth({
      provider: 'keycloak',
      options: { redirectTo: query.get('redirectTo'), scopes: 'openid' },
    })
  document.getElementById('sign-out').onclick = async () => {
    const { error } = await client.auth.signOut()
    show('state', error === null ? 'Signed out' : error.message)
    document.getElementById('notes').replaceChildren()
  }

  const { error } = await client.auth.initialize()
  const { data } = await client.auth.getSession()
  if (error !== null) show('state', JSON.stringify({ ...told, name: error.name, message: error.message }))
  else if (data.session === null) show('state', 'Nobody')
  else {
    const inserted = await client.from('notes').insert({ body: 'by ' + data.session.user.email })
    const { data: notes } = await client.from('notes').select('body')
    for (const { body } of notes) {
      const item = document.createElement('li')
      item.textContent = body
      document.getElementById('notes').append(item)
    }
    show('state', inserted.error?.message ?? data.session.user.email)
  }
</script>`
