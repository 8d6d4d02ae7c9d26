/** Messages that the gateway itself writes. Protocol 3.0, https://www.postgresql.org/docs/18/protocol-message-formats.html */

export interface ErrorFields {
  readonly severity: 'ERROR' | 'FATAL'
  /** SQLSTATE. */
  readonly code: string
  readonly message: string
  readonly hint?: string | null
}

/** A message with its type and length in front. */
export function message(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

export const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export const cstring = (text: string): Buffer => Buffer.from(`${text.replaceAll('\0', '')}\0`)

export function errorMessage({ severity, code, message: text, hint = null }: ErrorFields): Buffer {
  const fields: [string, string][] = [
    ['S', severity],
    ['V', severity],
    ['C', code],
    ['M', text],
  ]
  if (hint !== null) fields.push(['H', hint])
  return message('E', ...fields.map(([type, value]) => cstring(`${type}${value}`)), '\0')
}

export const authentication = {
  ok: message('R', int32(0)),
  sasl: (mechanisms: readonly string[]) => message('R', int32(10), ...mechanisms.map(cstring), '\0'),
  saslContinue: (data: string) => message('R', int32(11), data),
  saslFinal: (data: string) => message('R', int32(12), data),
}

export const parameterStatus = (name: string, value: string): Buffer =>
  message('S', cstring(name), cstring(value))

export const backendKeyData = (processId: number, secretKey: Buffer): Buffer =>
  message('K', int32(processId), secretKey)

/** I: idle, T: in a transaction, E: in one that has failed. */
export const readyForQuery = (status: 'I' | 'T' | 'E'): Buffer => message('Z', status)

/** Says that only 3.0 is spoken here, and which options of the protocol are not known. */
export const negotiateProtocolVersion = (unknownOptions: readonly string[]): Buffer =>
  message('v', int32(0x30000), int32(unknownOptions.length), ...unknownOptions.map(cstring))

/** Types of messages from the client, as character codes. */
export const frontend = {
  bind: 0x42,
  close: 0x43,
  copyData: 0x64,
  copyDone: 0x63,
  copyFail: 0x66,
  describe: 0x44,
  execute: 0x45,
  flush: 0x48,
  functionCall: 0x46,
  parse: 0x50,
  password: 0x70,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
} as const

/** Types of messages from the server, as character codes. */
export const backend = {
  bindComplete: 0x32,
  closeComplete: 0x33,
  commandComplete: 0x43,
  copyBothResponse: 0x57,
  copyData: 0x64,
  copyInResponse: 0x47,
  copyOutResponse: 0x48,
  dataRow: 0x44,
  emptyQueryResponse: 0x49,
  errorResponse: 0x45,
  functionCallResponse: 0x56,
  noData: 0x6e,
  notificationResponse: 0x41,
  parameterDescription: 0x74,
  parameterStatus: 0x53,
  parseComplete: 0x31,
  portalSuspended: 0x73,
  readyForQuery: 0x5a,
  rowDescription: 0x54,
} as const
