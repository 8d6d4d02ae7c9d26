import { refusals } from '../errors.ts'

/** As Postgres itself: MAX_STARTUP_PACKET_LENGTH. */
export const startupBytesMax = 10_000

export type FirstPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gss' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secretKey: Buffer }
  | { readonly kind: 'startup'; readonly startup: Startup }

export interface Startup {
  readonly user: string
  /** As it was asked for; Postgres takes the user's name when there is none. */
  readonly database: string
  /** Of another server or project: `options=reference=<ref>`, as Supabase's pooler takes it. Null when not given. */
  readonly reference: string | null
  /** Settings to start the session with; `options` is among them. */
  readonly settings: Readonly<Record<string, string>>
  /** Names of options of later protocols (`_pq_.…`), which are not known here. */
  readonly unknownOptions: readonly string[]
  /** The minor version asked for, when it is above 3.0. */
  readonly minorVersion: number
}

/** `body` is what follows the length. Throws Refusal. */
export function readFirstPacket(body: Buffer): FirstPacket {
  const code = body.readInt32BE(0)
  if (code === 80_877_103) return { kind: 'ssl' }
  if (code === 80_877_104) return { kind: 'gss' }
  if (code === 80_877_102) {
    if (body.length < 12) throw refusals.protocolViolation('invalid length of cancel request')
    return { kind: 'cancel', processId: body.readInt32BE(4), secretKey: Buffer.from(body.subarray(8)) }
  }
  if (code >>> 16 !== 3) throw refusals.unsupportedProtocol(code)
  return { kind: 'startup', startup: readStartup(body, code & 0xffff) }
}

function readStartup(body: Buffer, minorVersion: number): Startup {
  const settings = new Map<string, string>()
  const unknownOptions: string[] = []
  let user = ''
  let database = ''
  for (const [name, value] of readPairs(body)) {
    if (name === 'user') user = value
    else if (name === 'database') database = value
    else if (name === 'replication') {
      if (!/^(false|off|no|0)$/i.test(value)) throw refusals.replication()
    } else if (name.startsWith('_pq_.')) unknownOptions.push(name)
    else settings.set(name, value)
  }
  if (user === '') throw refusals.noUser()
  const { reference, options } = takeReference(settings.get('options') ?? '')
  if (options === '') settings.delete('options')
  else settings.set('options', options)
  return {
    user,
    database: database === '' ? user : database,
    reference,
    settings: Object.fromEntries(settings),
    unknownOptions,
    minorVersion,
  }
}

/** Zero-terminated names and values by turns, and a zero at the end. */
function* readPairs(body: Buffer): Generator<[string, string]> {
  if (body[body.length - 1] !== 0) throw malformed()
  let offset = 4
  while (offset < body.length - 1) {
    const nameEnd = body.indexOf(0, offset)
    const valueEnd = body.indexOf(0, nameEnd + 1)
    if (nameEnd === offset || valueEnd < 0) throw malformed()
    yield [body.toString('utf8', offset, nameEnd), body.toString('utf8', nameEnd + 1, valueEnd)]
    offset = valueEnd + 1
  }
}

const malformed = () => refusals.protocolViolation('invalid startup packet layout')

function takeReference(options: string): { reference: string | null; options: string } {
  const words = options.split(/\s+/).filter((word) => word !== '')
  const found = words.find((word) => word.startsWith('reference='))
  if (found === undefined) return { reference: null, options }
  return {
    reference: found.slice('reference='.length),
    options: words.filter((word) => word !== found).join(' '),
  }
}
