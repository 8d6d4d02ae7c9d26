import { MessageChannel, Worker } from 'node:worker_threads'
import { AnswerReader } from './answer-reader.ts'
import { openPostgresSocket } from './postgres-socket.ts'
import { RequestReader } from './request-reader.ts'
import { tidy } from './tidy.ts'

export interface DumpTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

type FromWorker =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'done'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly message: string }

/**
 * What pg_dump 18 writes with these options, as SQL that Postgres itself takes (no commands of psql's). It is held in memory
 * as a whole: half a gigabyte is the limit. Rejects with what pg_dump says.
 */
export async function pgDump(target: DumpTarget, options: readonly string[]): Promise<readonly Buffer[]> {
  const socket = await openPostgresSocket(target.host, target.port)
  const { port1: port, port2 } = new MessageChannel()
  const signal = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./dump-worker.mjs', import.meta.url), {
    workerData: { port: port2, signal, args: ['--dbname', connectionString(target), ...options] },
    transferList: [port2],
  })
  const answer = (bytes: Uint8Array): void => {
    port.postMessage(bytes)
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
  }
  const reader = new AnswerReader()
  const requests = new RequestReader()
  let isClosed = false
  socket.on('data', (chunk: Buffer) => {
    const whole = reader.push(chunk)
    if (whole !== null) answer(withoutChannelBinding(whole))
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    isClosed = true
    answer(reader.take())
  })
  try {
    return await new Promise<Buffer[]>((resolve, reject) => {
      worker.once('error', reject)
      port.on('message', (message: FromWorker) => {
        if (message.kind === 'done') resolve(tidy(Buffer.from(message.bytes.buffer)))
        else if (message.kind === 'failed')
          reject(new Error(`pg_dump: ${/error: ([^]*)$/.exec(message.message)?.[1] ?? message.message}`))
        else if (isClosed) answer(new Uint8Array())
        else {
          socket.write(message.bytes)
          const isWhole = requests.push(message.bytes)
          // Neither a part of a message nor the farewell has an answer.
          if (!isWhole || (message.bytes[0] === terminate && message.bytes.length === 5))
            answer(new Uint8Array())
        }
      })
    })
  } finally {
    port.close()
    socket.destroy()
    await worker.terminate()
  }
}

/** The encryption is ours, and libpq would refuse to bind its password to one that it does not see. */
function withoutChannelBinding(answer: Buffer): Buffer {
  const isOffer = answer[0] === authentication && answer.readInt32BE(5) === sasl
  if (!isOffer || !answer.includes('SCRAM-SHA-256-PLUS')) return answer
  const mechanisms = Buffer.from('SCRAM-SHA-256\0\0')
  const head = Buffer.from(answer.subarray(0, 9))
  head.writeInt32BE(8 + mechanisms.length, 1)
  return Buffer.concat([head, mechanisms])
}

const authentication = 0x52
const sasl = 10
const terminate = 0x58

const connectionString = ({ user, password }: DumpTarget): string =>
  Object.entries({ user, password, dbname: 'postgres' })
    .map(([name, value]) => `${name}='${value.replaceAll(/['\\]/g, '\\$&')}'`)
    .join(' ')
