import { arrive } from '../accounts/arrive.ts'
import { inArrival } from '../accounts/arrive-once.ts'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'
import type { Profile } from '../providers/profile.ts'
import { isAllowedRedirect } from '../redirects/redirect-url.ts'
import { issueSession } from '../sessions/issue-session.ts'
import type { IssuedSession } from '../sessions/session-reply.ts'
import { ethereum, isEthereumSignature } from '../web3/ethereum.ts'
import {
  MessageProblem,
  parseMessage,
  type MessageDialect,
  type SignedMessage,
} from '../web3/signed-message.ts'
import { isSolanaSignature, solana } from '../web3/solana.ts'

export interface Web3Input {
  readonly chain: string
  readonly message: string
  readonly signature: string
}

const PROVIDER = 'web3'
const disabled = (message: string) => new AuthError(422, 'web3_provider_disabled', message)
const refuse = (description: string) => new OAuthError('invalid_grant', description)

/** Proof that somebody holds a wallet's key, for a session. Mirrors auth internal/api/web3.go@bc32168. */
export async function web3Grant(ctx: AuthContext, input: Web3Input): Promise<IssuedSession> {
  const { web3EthereumEnabled, web3SolanaEnabled } = ctx.settings
  if (!web3EthereumEnabled && !web3SolanaEnabled) throw disabled('Web3 provider is disabled')
  if (input.chain !== 'solana' && input.chain !== 'ethereum')
    throw new AuthError(400, 'web3_unsupported_chain', 'Unsupported chain')
  const isEthereum = input.chain === 'ethereum'
  if (isEthereum ? !web3EthereumEnabled : !web3SolanaEnabled)
    throw disabled(`${isEthereum ? 'Ethereum' : 'Solana'} Web3 provider is disabled`)

  const message = isEthereum ? readEthereum(input) : readSolana(input)
  checkPlace(ctx, message, isEthereum ? 'Ethereum' : 'Solana')
  checkTimes(message, isEthereum ? 'Ethereum' : 'Solana')
  return signIn(ctx, input.chain, message)
}

/** Throws where the project lets no wallet in. */
export function checkWeb3({ settings }: AuthContext): void {
  if (!settings.web3EthereumEnabled && !settings.web3SolanaEnabled)
    throw disabled('Web3 provider is disabled')
}

const BYTES_MIN = 64
const BYTES_MAX = 20 * 1024

function checkSize({ message }: Web3Input): void {
  const bytes = Buffer.byteLength(message)
  if (bytes < BYTES_MIN) throw authErrors.validationFailed('message is too short')
  if (bytes > BYTES_MAX) throw authErrors.validationFailed('message must not exceed 20KB')
}

function readEthereum(input: Web3Input): SignedMessage {
  checkSize(input)
  if (input.signature.replace(/^0x/, '').length !== 130)
    throw authErrors.validationFailed(
      'signature must be 65 bytes long, encoded as a 130 character-long hexadecimal string',
    )
  const message = parse(input.message, ethereum)
  if (!isEthereumSignature(message, input.signature))
    throw refuse('Signature does not match address in message')
  return message
}

function readSolana(input: Web3Input): SignedMessage {
  checkSize(input)
  const { signature } = input
  if (signature.length !== 86 && signature.length !== 88)
    throw authErrors.validationFailed('signature must be 64 bytes encoded as base64 with or without padding')
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(signature))
    throw authErrors.validationFailed('signature does not contain valid base64 characters')
  const message = parse(input.message, solana)
  if (!isSolanaSignature(message, Buffer.from(signature, 'base64')))
    throw refuse('Signature does not match address in message')
  return message
}

function parse(text: string, dialect: MessageDialect): SignedMessage {
  try {
    return parseMessage(text, dialect)
  } catch (error) {
    if (error instanceof MessageProblem) throw authErrors.validationFailed(error.message)
    throw error
  }
}

/** A message is for one site; one that was signed for another must not open this one. */
function checkPlace({ settings }: AuthContext, { uri, domain }: SignedMessage, title: string): void {
  const isLocal = uri.hostname === 'localhost'
  const start = `Signed ${title} message is using`
  if (uri.protocol !== 'https:' && !isLocal) throw refuse(`${start} URI which does not use HTTPS`)
  if (!isAllowedRedirect(settings, uri.toString()))
    throw refuse(`${start} URI which is not allowed on this server, message was signed for another app`)
  if (!isLocal && (uri.host !== domain || !isAllowedRedirect(settings, `https://${domain}/`)))
    throw refuse(`${start} a Domain that does not match the one in URI which is not allowed on this server`)
}

/** GoTrue's. */
const VALIDITY_MS = 10 * 60_000

/** GoTrue looks at an Ethereum message's expiration only if it has a Not Before; here it always counts. */
function checkTimes({ issuedAt, notBefore, expirationTime }: SignedMessage, title: string): void {
  const now = Date.now()
  if (notBefore !== null && now < notBefore.getTime())
    throw refuse(`Signed ${title} message becomes valid in the future`)
  if (expirationTime !== null && now > expirationTime.getTime())
    throw refuse(`Signed ${title} message is expired`)
  if (now > issuedAt.getTime() + VALIDITY_MS) throw refuse(`${title} message was issued too long ago`)
  if (now < issuedAt.getTime() - VALIDITY_MS)
    throw refuse(`${title} message was issued too far in the future`)
}

async function signIn(ctx: AuthContext, chain: string, message: SignedMessage): Promise<IssuedSession> {
  const { address, chainId: network, domain, statement } = message
  const profile: Profile = {
    emails: [],
    claims: {
      sub: `${PROVIDER}:${chain}:${address}`,
      custom_claims: { address, chain, network, domain, statement },
    },
  }
  const traits = { provider: PROVIDER, chain, network, address, domain, uri: message.uri.toString() }
  const redirectTo = ctx.settings.siteUrl
  return inArrival(ctx, async (tx) => {
    const arrival = await arrive(ctx, tx, PROVIDER, profile, {
      emailOptional: true,
      hasEmails: false,
      redirectTo,
    })
    if (arrival.kind === 'refused') throw arrival.error
    const session = await issueSession(ctx, tx, arrival.user, { method: 'web3', passwordHash: null, traits })
    if (session === null) throw authErrors.userBanned(403)
    return session
  }).catch((error: unknown) => {
    if (error instanceof AuthError) throw error
    throw new OAuthError('server_error', 'Internal Server Error', { cause: error })
  })
}
