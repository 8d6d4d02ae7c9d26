import { lookup as resolve } from 'node:dns'
import { request as requestHttp, type IncomingHttpHeaders } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, connect, isIP, type LookupFunction, type Socket } from 'node:net'

export interface OutboundOptions {
  /**
   * Whether projects may make the platform call addresses of private networks and of this machine. Off unless the operator
   * trusts all owners of projects: else one of them could reach what only the platform should.
   */
  readonly allowPrivate?: boolean
  /** Milliseconds a hook may take, retries included. */
  readonly hookTimeoutMs?: number
  /** Milliseconds between two tries of a hook. */
  readonly hookBackoffMs?: number
  /** Other addresses for well-known ones, by origin: tests put their own servers there. */
  readonly origins?: Readonly<Record<string, string>>
}

export interface OutboundRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  readonly replyBytesMax: number
}

export interface OutboundReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Nobody answered, or not in time, or too much. */
export class OutboundError extends Error {
  readonly kind: 'timeout' | 'unreachable' | 'tooLarge'
  constructor(kind: OutboundError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundError'
    this.kind = kind
  }
}

export interface OutboundTarget {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
}

/** Calls to addresses that projects choose. */
export interface Outbound {
  /** Follows no redirects. Throws OutboundError. */
  send(request: OutboundRequest): Promise<OutboundReply>
  /** For what is not HTTP. Throws OutboundError. */
  connect(target: OutboundTarget): Promise<Socket>
  readonly hookTimeoutMs: number
  readonly hookBackoffMs: number
}

/** Timeouts are GoTrue's (auth internal/hooks/hookshttp@bc32168). */
export const createOutbound = (options: OutboundOptions = {}): Outbound => ({
  send: (request) => send(request, options),
  connect: (target) => openSocket(target, options),
  hookTimeoutMs: options.hookTimeoutMs ?? 5_000,
  hookBackoffMs: options.hookBackoffMs ?? 2_000,
})

async function send(request: OutboundRequest, options: OutboundOptions): Promise<OutboundReply> {
  const url = new URL(request.url)
  const mapped = options.origins?.[url.origin]
  const target = mapped === undefined ? url : new URL(url.pathname + url.search, mapped)
  const isAllowed = options.allowPrivate === true || mapped !== undefined
  if (!isAllowed && isPrivate(target.hostname.replace(/^\[|\]$/g, '')))
    throw new OutboundError('unreachable', 'the address is one of a private network')

  const signal = AbortSignal.timeout(request.timeoutMs)
  return new Promise((fulfil, reject) => {
    const fail = (error: Error) =>
      reject(
        error instanceof OutboundError
          ? error
          : new OutboundError(signal.aborted ? 'timeout' : 'unreachable', error.message, { cause: error }),
      )
    const call = target.protocol === 'https:' ? requestHttps : requestHttp
    const outgoing = call(
      target,
      {
        method: request.method,
        headers: {
          ...request.headers,
          ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
        },
        signal,
        agent: false,
        ...(isAllowed ? {} : { lookup: publicLookup }),
      },
      (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          chunks.push(chunk)
          if (size > request.replyBytesMax)
            incoming.destroy(new OutboundError('tooLarge', `more than ${request.replyBytesMax} bytes`))
        })
        incoming.on('error', fail)
        incoming.on('end', () =>
          fulfil({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    outgoing.on('error', fail)
    outgoing.end(request.body)
  })
}

function openSocket(target: OutboundTarget, options: OutboundOptions): Promise<Socket> {
  const { host, port, timeoutMs } = target
  const isAllowed = options.allowPrivate === true
  if (!isAllowed && isPrivate(host))
    return Promise.reject(new OutboundError('unreachable', 'the address is one of a private network'))
  return new Promise((fulfil, reject) => {
    const socket = connect({ host, port, ...(isAllowed ? {} : { lookup: publicLookup }) })
    const timer = setTimeout(
      () => socket.destroy(new OutboundError('timeout', 'nobody answers in time')),
      timeoutMs,
    )
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(
        error instanceof OutboundError
          ? error
          : new OutboundError('unreachable', error.message, { cause: error }),
      )
    }
    // Stays: between here and whoever takes the socket nobody else listens, and such an error would end the process.
    socket.on('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      fulfil(socket)
    })
  })
}

/** The name is resolved once and that address is called, so a name that answers differently the second time gains nothing. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const allowed = addresses.filter(({ address }) => !isPrivate(address))
    if (allowed.length === 0)
      return callback(new OutboundError('unreachable', 'the address is one of a private network'), [])
    const [first] = allowed
    if (options.all === true || first === undefined) callback(null, allowed)
    else callback(null, first.address, first.family)
  })
}

const privateNetworks = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  privateNetworks.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  privateNetworks.addSubnet(network, bits, 'ipv6')

/** Names are judged when they are resolved. */
function isPrivate(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && privateNetworks.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
