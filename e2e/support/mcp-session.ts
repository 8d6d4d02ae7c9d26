import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

export interface McpSession {
  listTools(): Promise<string[]>
  /** The text that the tool answers; throws with it when the tool failed. */
  call(tool: string, input?: Record<string, unknown>): Promise<string>
  close(): Promise<void>
}

const program = join(
  dirname(createRequire(import.meta.url).resolve('@supabase/mcp-server-supabase')),
  'cli.js',
)

/** Supabase's MCP server, unmodified, as an agent starts it: JSON-RPC over stdin and stdout. */
export async function openMcpSession(
  apiUrl: string,
  token: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<McpSession> {
  const child = spawn(process.execPath, [program, '--api-url', apiUrl, ...flags], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, SUPABASE_ACCESS_TOKEN: token, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()))
  const waiting = new Map<number, (reply: Reply) => void>()
  const exited = new Promise<void>((done) =>
    child.once('exit', () => {
      for (const [id, answer] of waiting) answer({ id, error: { message: `it ended: ${errors}` } })
      done()
    }),
  )
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reply = JSON.parse(line) as Reply
    waiting.get(reply.id)?.(reply)
    waiting.delete(reply.id)
  })
  let count = 0
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const request = async (method: string, params: object): Promise<unknown> => {
    const id = ++count
    const answered = new Promise<Reply>((done) => waiting.set(id, done))
    send({ id, method, params })
    const { result, error } = await answered
    if (error !== undefined) throw new Error(error.message)
    return result
  }
  await request('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'favo-e2e', version: '1' },
  })
  send({ method: 'notifications/initialized' })
  return {
    listTools: async () => {
      const { tools } = (await request('tools/list', {})) as { tools: { name: string }[] }
      return tools.map(({ name }) => name)
    },
    call: async (tool, input = {}) => {
      const { content, isError } = (await request('tools/call', { name: tool, arguments: input })) as {
        content: { text: string }[]
        isError?: boolean
      }
      const text = content.map((part) => part.text).join('\n')
      if (isError === true) throw new Error(text)
      return text
    },
    close: async () => {
      child.kill()
      await exited
    },
  }
}
