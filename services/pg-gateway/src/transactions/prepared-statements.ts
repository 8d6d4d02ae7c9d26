import { refusals } from '../errors.ts'
import { message } from '../protocol/messages.ts'
import type { Backend } from './backend.ts'
import type { Expected } from './expected.ts'
import { statementBytesPerClientMax, statementsPerClientMax, type ClientStatement } from './statements.ts'

type Sent = true | Buffer | null

/**
 * The prepared statements of one client, which live on no backend in particular: where a backend lacks the one that is
 * used, it is prepared there first, unseen. Names of different clients do not meet, because backends have their own.
 */
export class PreparedStatements {
  readonly #byName = new Map<string, ClientStatement>()
  #unnamed: ClientStatement | null = null
  #bytes = 0

  clear(): void {
    this.#byName.clear()
    this.#unnamed = null
    this.#bytes = 0
  }

  /** Query: DEALLOCATE of a statement that was prepared by the protocol is done here, since backends keep those. */
  query(backend: Backend, text: string): Sent {
    const name = /^d/i.test(text) ? readDeallocated(text) : null
    const statement = name === null ? undefined : this.#byName.get(name)
    if (name === null || statement === undefined) {
      backend.expect({ kind: 'query' })
      return true
    }
    backend.expect({ kind: 'query', tag: 'DEALLOCATE', onDone: () => this.#remove(name) })
    return message('Q', 'DO $$BEGIN END$$', '\0')
  }

  /** `body` is what follows the name. */
  parse(backend: Backend, name: string, body: Buffer, options: Pick<Expected, 'error' | 'rewritten'>): Sent {
    if (name === '') return this.#parseUnnamed(backend, body, options)
    if (options.error !== undefined) {
      backend.expect({ kind: 'parse', ...options })
      return message('P', '\0', body)
    }
    const known = this.#byName.get(name)
    if (known !== undefined) {
      // Postgres says what is wrong with that, in the state that its transaction is in.
      const { backendName, before } = prepare(backend, known)
      backend.expect({ kind: 'parse' })
      return Buffer.concat([before, message('P', `${backendName}\0`, body)])
    }
    const statement = { key: body.toString('latin1'), body: Buffer.from(body) }
    this.#add(name, statement)
    const undo = (): void => {
      if (this.#byName.get(name) === statement) this.#remove(name)
    }
    if (backend.statements.find(statement.key) !== null) {
      backend.expect({ kind: 'parse', answer: parseComplete, undo })
      return null
    }
    const before = makeRoom(backend)
    const backendName = backend.statements.add(statement.key)
    backend.expect({
      kind: 'parse',
      ...options,
      undo: () => {
        backend.statements.delete(statement.key)
        undo()
      },
    })
    return Buffer.concat([before, message('P', `${backendName}\0`, body)])
  }

  #parseUnnamed(backend: Backend, body: Buffer, options: Pick<Expected, 'error' | 'rewritten'>): Buffer {
    const statement = { key: '', body: Buffer.from(body) }
    this.#unnamed = statement
    backend.unnamed = statement
    backend.expect({
      kind: 'parse',
      ...options,
      undo: () => {
        if (this.#unnamed === statement) this.#unnamed = null
        if (backend.unnamed === statement) backend.unnamed = null
      },
    })
    return message('P', '\0', body)
  }

  /** `bytes` may end before the message does; its names are within. */
  bind(backend: Backend, bytes: Buffer, length: number): Sent {
    const nameStart = bytes.indexOf(0, 5) + 1
    const nameEnd = bytes.indexOf(0, nameStart)
    if (nameStart === 0 || nameEnd < 0) throw refusals.protocolViolation('invalid message format')
    const { before, backendName } = this.#find(backend, bytes.toString('utf8', nameStart, nameEnd))
    backend.expect({ kind: 'bind' })
    if (backendName === null) return before === null ? true : Buffer.concat([before, bytes])
    const name = Buffer.from(backendName)
    const head = Buffer.alloc(5)
    head.write('B', 'latin1')
    head.writeInt32BE(length + 4 + name.length - (nameEnd - nameStart), 1)
    return Buffer.concat([
      before ?? Buffer.alloc(0),
      head,
      bytes.subarray(5, nameStart),
      name,
      bytes.subarray(nameEnd),
    ])
  }

  describe(backend: Backend, bytes: Buffer): Sent {
    if (bytes[5] !== ofStatement) {
      backend.expect({ kind: 'describe' })
      return true
    }
    const { before, backendName } = this.#find(backend, readName(bytes))
    backend.expect({ kind: 'describe' })
    if (backendName === null) return before === null ? true : Buffer.concat([before, bytes])
    return Buffer.concat([before ?? Buffer.alloc(0), message('D', 'S', `${backendName}\0`)])
  }

  close(backend: Backend, bytes: Buffer): Sent {
    const name = bytes[5] === ofStatement ? readName(bytes) : null
    const statement = name === null ? undefined : this.#byName.get(name)
    if (name === null || statement === undefined) {
      if (name === '') this.#unnamed = backend.unnamed = null
      backend.expect({ kind: 'close' })
      return true
    }
    this.#remove(name)
    backend.expect({ kind: 'close', answer: closeComplete, undo: () => this.#add(name, statement) })
    return null
  }

  /** Names of backends in a message of Postgres', as the client knows them. */
  renameIn(text: string, backend: Backend): string {
    return text.replace(/\bf_[0-9a-f]{10}_\d+\b/g, (found) => {
      for (const [name, { key }] of this.#byName) if (backend.statements.find(key) === found) return name
      return found
    })
  }

  /** Sees to it that the statement is there. Without a name on the backend it goes by the client's own. */
  #find(backend: Backend, name: string): { before: Buffer | null; backendName: string | null } {
    if (name === '') {
      const statement = this.#unnamed
      if (statement === null || backend.unnamed === statement) return { before: null, backendName: null }
      backend.unnamed = statement
      backend.expect({ kind: 'parse', isSilent: true, undo: () => (backend.unnamed = null) })
      return { before: message('P', '\0', statement.body), backendName: null }
    }
    const statement = this.#byName.get(name)
    // Perhaps one that was made by PREPARE in this transaction; if not, Postgres says so.
    if (statement === undefined) return { before: null, backendName: null }
    const { before, backendName } = prepare(backend, statement)
    return { before: before.length === 0 ? null : before, backendName }
  }

  #add(name: string, statement: ClientStatement): void {
    this.#byName.set(name, statement)
    this.#bytes += statement.body.length
    if (this.#byName.size > statementsPerClientMax || this.#bytes > statementBytesPerClientMax)
      throw refusals.tooManyStatements()
  }

  #remove(name: string): void {
    this.#bytes -= this.#byName.get(name)?.body.length ?? 0
    this.#byName.delete(name)
  }
}

/** Its name on the backend, and what has to be sent before. */
function prepare(backend: Backend, { key, body }: ClientStatement): { before: Buffer; backendName: string } {
  const known = backend.statements.find(key)
  if (known !== null) return { before: Buffer.alloc(0), backendName: known }
  const room = makeRoom(backend)
  const backendName = backend.statements.add(key)
  backend.expect({ kind: 'parse', isSilent: true, undo: () => backend.statements.delete(key) })
  return { before: Buffer.concat([room, message('P', `${backendName}\0`, body)]), backendName }
}

function makeRoom(backend: Backend): Buffer {
  const superfluous = backend.statements.evict()
  if (superfluous === null) return Buffer.alloc(0)
  backend.expect({ kind: 'close', isSilent: true })
  return message('C', 'S', `${superfluous}\0`)
}

/** A name as it is written in SQL: folded unless quoted. */
function readDeallocated(text: string): string | null {
  const [, plain, quoted] =
    /^deallocate\s+(?:prepare\s+)?(?:([a-z_\u0080-\uffff][\w$\u0080-\uffff]*)|"((?:[^"]|"")+)")\s*;?\s*$/i.exec(
      text,
    ) ?? []
  if (plain !== undefined) return plain.toLowerCase()
  return quoted?.replaceAll('""', '"') ?? null
}

const readName = (bytes: Buffer): string => {
  const end = bytes.indexOf(0, 6)
  if (end < 0) throw refusals.protocolViolation('invalid message format')
  return bytes.toString('utf8', 6, end)
}

const ofStatement = 0x53
const parseComplete = message('1')
const closeComplete = message('3')
