/**
 * A load generator for where there is no wrk, or several addresses: it writes one prepared request again and again on each
 * connection and counts bytes of answers, which must all be alike. Run as a process of its own by `runLoad`. It costs the
 * machine 20 to 30 µs a request, wrk 9.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { runWrk } from './wrk.ts'

export interface LoadTarget {
  readonly url: string
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface LoadOptions {
  /** Connections take them in turn, each keeps its own. */
  readonly targets: readonly LoadTarget[]
  readonly connections: number
  readonly seconds: number
  /** Not wrk even where it could: for figures beside one that it cannot give. */
  readonly tool?: 'own'
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Throws when an answer is not a 2xx. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const [only, ...others] = options.targets
  const isForWrk = only !== undefined && others.length === 0 && options.tool !== 'own'
  const measured = isForWrk ? await runWrk(only, options) : null
  return measured ?? runOwnLoad(options)
}

function runOwnLoad(options: LoadOptions): Promise<LoadResult> {
  return new Promise((done, fail) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(import.meta.url), JSON.stringify(options)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.once('close', (code) =>
      code === 0 ? done(JSON.parse(output) as LoadResult) : fail(new Error(`load failed (${code})`)),
    )
  })
}

async function generate(options: LoadOptions): Promise<LoadResult> {
  const [first] = options.targets
  if (first === undefined) throw new Error('nothing to ask')
  const { hostname, port } = new URL(first.url)
  const requests = options.targets.map(encode)

  const latencies: number[] = []
  const warmUntil = performance.now() + 1_000
  const until = warmUntil + options.seconds * 1_000
  const client = (request: Buffer) =>
    new Promise<void>((done, fail) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      let sentAt = 0
      let left = -1
      const send = () => {
        sentAt = performance.now()
        left = -1
        socket.write(request)
      }
      socket.once('connect', send)
      socket.once('error', fail)
      socket.on('data', (chunk) => {
        if (left < 0) {
          const end = chunk.indexOf('\r\n\r\n')
          const header = chunk.toString('latin1', 0, end)
          const status = Number(header.slice(9, 12))
          if (status < 200 || status > 299) return fail(new Error(chunk.toString()))
          const length = Number(/content-length: (\d+)/i.exec(header)?.[1] ?? 0)
          left = length - (chunk.length - end - 4)
        } else left -= chunk.length
        if (left > 0) return
        const now = performance.now()
        if (now > warmUntil) latencies.push(now - sentAt)
        if (now < until) return send()
        socket.destroy()
        done()
      })
    })
  const clients = Array.from({ length: options.connections }, (_, i) =>
    client(requests[i % requests.length] ?? Buffer.alloc(0)),
  )
  await Promise.all(clients)
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
  return { requestsPerSecond: latencies.length / options.seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function encode(target: LoadTarget): Buffer {
  const { pathname, search, host } = new URL(target.url)
  const body = target.body ?? ''
  const head = Object.entries({
    host,
    ...target.headers,
    ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${target.method ?? 'GET'} ${pathname}${search} HTTP/1.1\r\n${head.join('')}\r\n${body}`)
}

const given = process.argv[2]
if (process.argv[1] === fileURLToPath(import.meta.url) && given !== undefined)
  process.stdout.write(JSON.stringify(await generate(JSON.parse(given) as LoadOptions)))
