import { createServer, type IncomingHttpHeaders } from 'node:http'

export interface HookCall {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface HookAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON; a text as it is. */
  readonly body?: unknown
  /** Breaks the connection instead. */
  readonly isBroken?: boolean
  /** Never answers. */
  readonly isSilent?: boolean
}

/** The world outside: notes what it is sent and answers what it is told to. */
export interface HookServer {
  readonly url: string
  readonly calls: HookCall[]
  answer(answer: (call: HookCall) => HookAnswer): void
  close(): Promise<void>
}

export async function startHookServer(): Promise<HookServer> {
  const calls: HookCall[] = []
  let answer: (call: HookCall) => HookAnswer = () => ({ status: 204 })
  const server = createServer((request, reply) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const call = { path: request.url ?? '', headers: request.headers, body }
      calls.push(call)
      const given = answer(call)
      if (given.isSilent === true) return
      if (given.isBroken === true) return void request.socket.destroy()
      const isText = typeof given.body === 'string'
      reply.writeHead(
        given.status ?? 200,
        given.headers ?? (isText ? {} : { 'content-type': 'application/json' }),
      )
      reply.end(given.body === undefined ? undefined : isText ? given.body : JSON.stringify(given.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    answer: (next) => (answer = next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
