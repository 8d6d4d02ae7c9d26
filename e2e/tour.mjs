// The README's tour: two users and nobody in particular, with unmodified supabase-js.
// Usage: node e2e/tour.mjs PROJECT   (after `npx favo db push` of the notes migration)
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

const favo = fileURLToPath(new URL('../apps/cli/bin/favo.mjs', import.meta.url))
const project = JSON.parse(
  execFileSync(process.execPath, [favo, 'projects', 'get', process.argv[2] ?? 'demo', '--json'], {
    encoding: 'utf8',
  }),
)

// Node before 22 has no WebSocket of its own, and supabase-js wants one; newer ones need no options.
const options = { auth: { persistSession: false }, realtime: { transport: WebSocket } }
const connect = () => createClient(project.path_url, project.keys.anon, options)

/** Registers a user with a fresh address, who is then signed in. */
async function signUp(name) {
  const client = connect()
  const email = `${name}+${Date.now()}@example.com`
  const { error } = await client.auth.signUp({ email, password: 'a long enough password' })
  if (error) throw error
  return client
}

const show = (who, { data, error }) => {
  if (error) throw error
  console.log(who.padEnd(14), data)
}

const ann = await signUp('ann')
const bob = await signUp('bob')
show('ann inserted', await ann.from('notes').insert({ body: 'bought honey' }).select('id, body'))
show('ann reads', await ann.from('notes').select('id, body'))
show('bob reads', await bob.from('notes').select('id, body'))
show('anonymous', await connect().from('notes').select('id, body'))
