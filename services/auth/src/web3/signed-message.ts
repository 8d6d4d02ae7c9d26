/** A message that a wallet signed to sign in: EIP-4361, and its sibling on Solana. Times are as the message has them. */
export interface SignedMessage {
  readonly raw: string
  readonly domain: string
  readonly address: string
  readonly statement: string | null
  readonly uri: URL
  readonly chainId: string
  readonly issuedAt: Date
  readonly expirationTime: Date | null
  readonly notBefore: Date | null
}

/** How the two chains differ. */
export interface MessageDialect {
  /** Before the texts of errors. */
  readonly name: 'siwe' | 'siws'
  readonly title: 'Ethereum' | 'Solana'
  readonly address: RegExp
  readonly addressProblem: string
  isChainId(text: string): boolean
}

const DOMAIN = /^(localhost|(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,})(?::\d{1,5})?$/

/** What is wrong with a message, in GoTrue's words. */
export class MessageProblem extends Error {}

/**
 * Throws MessageProblem. Mirrors auth internal/utilities/siwe/parser.go@bc32168 and siws/parser.go.
 */
export function parseMessage(raw: string, dialect: MessageDialect): SignedMessage {
  const fail = (problem: string) => new MessageProblem(`${dialect.name}: ${problem}`)
  const lines = raw.split('\n')
  if (lines.length < 6) throw fail('message needs at least 6 lines')
  const [header = '', addressLine = '', third, fourth = '', fifth] = lines
  const suffix = ` wants you to sign in with your ${dialect.title} account:`
  if (!header.endsWith(suffix)) throw fail(`message first line does not end in "${suffix}"`)
  const domain = header.slice(0, -suffix.length).trim()
  if (!DOMAIN.test(domain)) throw fail('domain in first line of message is not valid')
  const address = addressLine.trim()
  if (!dialect.address.test(address)) throw fail(dialect.addressProblem)
  if (third !== '') throw fail('third line must be empty')

  const hasStatement = fourth !== '' && fifth === ''
  const members = readMembers(lines, hasStatement ? 5 : 3, fail)
  const version = members.get('Version') ?? ''
  const chainId = members.get('Chain ID')
  const time = (name: string) =>
    readTime(members.get(name), () => fail(`${name} is not a valid ISO8601 timestamp`))
  const uriText = members.get('URI')
  const uri = uriText === undefined ? null : readUri(uriText)
  if (uriText !== undefined && uri === null) throw fail('URI is not valid')
  if (chainId !== undefined && !dialect.isChainId(chainId)) throw fail('Chain ID is not valid')
  const [issuedAt, expirationTime, notBefore] = [
    time('Issued At'),
    time('Expiration Time'),
    time('Not Before'),
  ]
  if (version !== '1') throw fail(`Version value is not supported, expected 1 got ${JSON.stringify(version)}`)
  if (issuedAt === null) throw fail('Issued At is not specified')
  if (uri === null) throw fail('URI is not specified')
  if (expirationTime !== null && issuedAt > expirationTime) throw fail('Issued At is after Expiration Time')
  if (notBefore !== null && expirationTime !== null && notBefore > expirationTime)
    throw fail('Not Before is after Expiration Time')
  return {
    raw,
    domain,
    address,
    statement: hasStatement ? fourth : null,
    uri,
    chainId: chainId ?? '',
    issuedAt,
    expirationTime,
    notBefore,
  }
}

function readMembers(
  lines: readonly string[],
  start: number,
  fail: (problem: string) => Error,
): Map<string, string> {
  const members = new Map<string, string>()
  let resources: number | null = null
  lines.slice(start).forEach((untrimmed, at) => {
    const line = untrimmed.trim()
    if (resources !== null && line.startsWith('- ')) {
      if (readUri(line.slice(2).trim()) === null)
        throw fail(`Resource at position ${resources} has invalid URI`)
      resources += 1
      return
    }
    resources = line === 'Resources:' ? 0 : null
    if (line === '' || resources === 0) return
    const colon = line.indexOf(':')
    if (colon === -1) throw fail(`encountered unparsable line at index ${start + at}`)
    members.set(line.slice(0, colon), line.slice(colon + 1).trim())
  })
  return members
}

const readUri = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null)

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

function readTime(text: string | undefined, fail: () => Error): Date | null {
  if (text === undefined) return null
  const time = new Date(RFC3339.test(text) ? text : Number.NaN)
  if (Number.isNaN(time.getTime())) throw fail()
  return time
}
