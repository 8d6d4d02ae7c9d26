// pg_dump as WebAssembly, in a thread of its own: it reads and writes in one go and cannot wait for a socket. So it hands its
// bytes to the main thread and sleeps until the whole answer is there. Plain JavaScript, because Node starts it as it is.
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { pgDump } from '@electric-sql/pglite-tools/pg_dump'

const { port, signal, args } = workerData

/** As much of PGlite's interface as pgDump uses. */
const server = {
  execProtocolRawStream(bytes, { onRawData }) {
    Atomics.store(signal, 0, 0)
    port.postMessage({ kind: 'send', bytes: Uint8Array.from(bytes) })
    Atomics.wait(signal, 0, 0)
    onRawData(receiveMessageOnPort(port).message)
  },
  query: () => Promise.resolve({ rows: [{ search_path: '' }] }),
  exec: () => Promise.resolve(),
}

// pgDump strips each line that begins with \restrict, also those that are in the middle of somebody's text. The two of
// pg_dump's own are taken out in tidy.ts, which knows their key.
const replace = String.prototype.replace
String.prototype.replace = function (pattern, by) {
  const isStripping = pattern instanceof RegExp && pattern.source.includes('restrict')
  return isStripping ? String(this) : replace.call(this, pattern, by)
}

try {
  const file = await pgDump({ pg: server, args })
  const bytes = await file.arrayBuffer()
  port.postMessage({ kind: 'done', bytes: new Uint8Array(bytes) }, [bytes])
} catch (error) {
  port.postMessage({ kind: 'failed', message: String(error?.message ?? error) })
}
