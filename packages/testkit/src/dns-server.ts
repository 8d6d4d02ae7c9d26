import { createSocket } from 'node:dgram'

/** A name server of its own on the loopback interface that knows TXT records, over UDP. */
export interface TestDns {
  /** `127.0.0.1:<port>`, as `Resolver.setServers` takes it. */
  readonly address: string
  /** By lower-case name; each text is one record. */
  readonly txt: Map<string, string[]>
  close(): Promise<void>
}

const TXT = 16

export async function startDnsServer(): Promise<TestDns> {
  const txt = new Map<string, string[]>()
  const socket = createSocket('udp4')
  socket.on('message', (query, sender) => socket.send(answer(query, txt), sender.port, sender.address))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    txt,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** RFC 1035, section 4: the header, the question as it came, and the answers. */
function answer(query: Buffer, txt: ReadonlyMap<string, readonly string[]>): Buffer {
  const { name, end } = readName(query, 12)
  const question = query.subarray(12, end + 4)
  const isTxt = query.readUInt16BE(end) === TXT
  const texts = txt.get(name.toLowerCase())
  const answers = isTxt ? (texts ?? []).map(record) : []
  const header = Buffer.alloc(12)
  query.copy(header, 0, 0, 2)
  // An answer with authority, recursion wanted and offered; NXDOMAIN for names that are not there.
  header.writeUInt16BE(texts === undefined ? 0x8583 : 0x8580, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  return Buffer.concat([header, question, ...answers])
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), end: at + 1 }
}

/** The name is a pointer to the question; a text is cut into strings of 255 bytes at most. */
function record(text: string): Buffer {
  const bytes = Buffer.from(text)
  const strings: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255)
    strings.push(Buffer.from([part.length]), part)
  }
  const data = Buffer.concat(strings)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(TXT, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
