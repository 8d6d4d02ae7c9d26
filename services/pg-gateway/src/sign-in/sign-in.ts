import type { ScramKeys, ScramVerifier } from '@favo/postgres'
import type { Project, ProjectDirectory } from '@favo/projects'
import { refusals } from '../errors.ts'
import type { Admission } from '../limits/admission.ts'
import { isInRanges } from '../limits/address-range.ts'
import { bannedRange, placeOf, type Bans } from '../limits/bans.ts'
import { authentication, frontend, negotiateProtocolVersion } from '../protocol/messages.ts'
import {
  readFirstPacket,
  startupBytesMax,
  type FirstPacket,
  type Startup,
} from '../protocol/startup-packet.ts'
import type { Certificate } from './certificate.ts'
import type { Client } from './client.ts'
import { findTarget, type Target } from './find-target.ts'
import { boundMechanism, inventVerifier, plainMechanism, startScramServer } from './scram-server.ts'

/** What Postgres knows of a login. */
export interface LoginFacts {
  readonly verifier: ScramVerifier
  readonly isExpired: boolean
  /** What its sessions begin with: `name=value`. */
  readonly settings: readonly string[]
}

export interface SignInDeps {
  readonly directory: Pick<ProjectDirectory, 'findByRef' | 'findByLabel'>
  /** Null for roles that do not exist, cannot sign in or have no password. */
  readonly findLogin: (role: string) => Promise<LoginFacts | null>
  /** Makes the salts of users that do not exist; the same after a restart. */
  readonly secret: Buffer
  readonly certificate: Certificate | null
  readonly admission: Admission
  readonly bans: Bans
  /** Keeps a ban of an address (or an IPv6 network) from a project. */
  readonly ban: (project: Project, range: string) => void
}

export interface SignedIn {
  readonly kind: 'signed in'
  readonly project: Project
  /** The role of the cluster that the session belongs to. */
  readonly role: string
  readonly keys: ScramKeys
  readonly login: LoginFacts
  readonly startup: Startup
}

export interface CancelRequest {
  readonly kind: 'cancel'
  readonly processId: number
  readonly secretKey: Buffer
}

/** Messages of the password dialogue are some hundred bytes long. */
const passwordBytesMax = 4_096

/**
 * From the first byte to the proved password. Null when the client has gone; throws Refusal. Strangers cannot find out
 * which projects exist: what they are told and asked is the same.
 */
export async function signIn(client: Client, deps: SignInDeps): Promise<SignedIn | CancelRequest | null> {
  const first = await readStartup(client, deps.certificate)
  if (first === null || first.kind === 'cancel') return first
  const { startup } = first
  if (startup.minorVersion > 0 || startup.unknownOptions.length > 0)
    client.write(negotiateProtocolVersion(startup.unknownOptions))

  deps.admission.checkFailures(client.address, startup.user)
  const target = await findTarget(deps.directory, startup, client.serverName)
  const place = placeOf(startup, client.serverName)
  if (isBanned(client, target, place, deps.bans)) throw refusals.banned()
  const login = await deps.findLogin(target?.role ?? 'p_nobody')
  const onWrongPassword = () => {
    deps.admission.recordFailure(client.address, startup.user)
    if (!deps.bans.countFailure(client.address, place)) return
    if (target === null) deps.bans.banOfNobody(client.address, place)
    else deps.ban(target.project, bannedRange(client.address))
  }
  const keys = await provePassword(client, startup, login, { ...deps, onWrongPassword })
  if (keys === null) return null
  // Only a real login gets here.
  if (target === null || login === null) throw refusals.wrongPassword(startup.user)
  check(client, startup, target, login)
  return { kind: 'signed in', project: target.project, role: target.role, keys, login, startup }
}

/** Told before the password is asked for, in the same words whether there is such a project or not. */
function isBanned(client: Client, target: Target | null, place: string, bans: Bans): boolean {
  if (target === null) return bans.isBannedOfNobody(client.address, place)
  const { bannedAddresses } = target.project
  return bannedAddresses !== undefined && isInRanges(client.address, bannedAddresses)
}

type Started = Extract<FirstPacket, { kind: 'startup' | 'cancel' }>

async function readStartup(client: Client, certificate: Certificate | null): Promise<Started | null> {
  let isAsked = false
  for (let packets = 0; packets < 4; packets++) {
    const head = await client.reader.take(4)
    if (head === null) return null
    if (head[0] === tlsHandshake && packets === 0 && certificate !== null) {
      client.reader.putBack(head)
      if ((await client.encrypt(certificate, { isDirect: true })) === null) return null
      continue
    }
    const length = head.readInt32BE(0)
    if (length < 8 || length > startupBytesMax)
      throw refusals.protocolViolation('invalid length of startup packet')
    const body = await client.reader.take(length - 4)
    if (body === null) return null
    const packet = readFirstPacket(body)
    if (packet.kind === 'startup' || packet.kind === 'cancel') return packet
    if (packet.kind === 'ssl' && certificate !== null && !client.isEncrypted && !isAsked) {
      // Whatever came along was injected before the encryption began (CVE-2021-23214).
      if (client.reader.isAhead)
        throw refusals.protocolViolation('received unencrypted data after SSL request')
      isAsked = true
      client.write('S')
      if ((await client.encrypt(certificate, { isDirect: false })) === null) return null
    } else client.write('N')
  }
  throw refusals.protocolViolation('too many requests for encryption')
}

const tlsHandshake = 0x16

/** Null when the client has gone. */
async function provePassword(
  client: Client,
  startup: Startup,
  login: LoginFacts | null,
  { secret, onWrongPassword }: Pick<SignInDeps, 'secret'> & { readonly onWrongPassword: () => void },
): Promise<ScramKeys | null> {
  const scram = startScramServer(
    login?.verifier ?? inventVerifier(secret, startup.user),
    login !== null,
    client.binding,
  )
  client.write(
    authentication.sasl(client.binding === null ? [plainMechanism] : [boundMechanism, plainMechanism]),
  )
  const initial = await readPassword(client)
  if (initial === null) return null
  const nameEnd = initial.indexOf(0)
  if (nameEnd < 0 || initial.length < nameEnd + 5) throw refusals.protocolViolation('malformed SCRAM message')
  client.write(
    authentication.saslContinue(
      scram.challenge(initial.toString('utf8', 0, nameEnd), initial.toString('utf8', nameEnd + 5)),
    ),
  )
  const final = await readPassword(client)
  if (final === null) return null
  const proved = scram.verify(final.toString())
  if (proved === null) {
    onWrongPassword()
    throw refusals.wrongPassword(startup.user)
  }
  client.write(authentication.saslFinal(proved.serverFinal))
  return proved.keys
}

async function readPassword(client: Client): Promise<Buffer | null> {
  const answer = await client.reader.message(passwordBytesMax)
  if (answer === null) return null
  if (answer.type !== frontend.password)
    throw refusals.protocolViolation(`expected SASL response, got message type ${answer.type}`)
  return answer.body
}

/** What only those hear who know the password. */
function check(client: Client, startup: Startup, { project, name }: Target, login: LoginFacts): void {
  if (login.isExpired) throw refusals.expiredPassword(startup.user)
  const { allowedCidrs } = project
  if (allowedCidrs !== undefined && allowedCidrs !== null && !isInRanges(client.address, allowedCidrs))
    throw refusals.forbiddenAddress(client.address)
  if (project.requiresTls === true && !client.isEncrypted) throw refusals.tlsRequired()
  checkStatus(project)
  if (!['postgres', startup.user, name, project.database].includes(startup.database))
    throw refusals.unknownDatabase(startup.database)
}

/** Throws Refusal for projects that are not running. */
export function checkStatus({ status }: Project): void {
  if (status === 'ACTIVE_HEALTHY') return
  throw status === 'INACTIVE' ? refusals.paused() : refusals.notRunning(status)
}
