import { randomUUID } from 'node:crypto'
import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { lockUser } from '../factors/factors.sql.ts'
import { hasVerifiedFactor } from '../users/user.ts'
import { addressOf, beginRegistration, finishRegistration } from '../webauthn/ceremonies.ts'
import type { UserRow } from '../users/user.ts'
import { CHALLENGE_SECONDS, parseAnswer, requireParty, requireTaken, type Answer } from './passkey-answer.ts'
import { passkeyErrors } from './passkey-errors.ts'
import { namePasskey } from './passkey-name.ts'
import { insertChallenge, insertPasskey, listCredentials, takeChallenge } from './passkeys.sql.ts'

/** Of one user. GoTrue's default. */
const PASSKEYS_MAX = 10

/** Mirrors auth internal/api/passkey_registration.go@bc32168 PasskeyRegistrationOptions. */
export async function offerRegistration(ctx: AuthContext, caller: SignedIn) {
  requireMayRegister(caller)
  const party = requireParty(ctx)
  const { user } = caller
  const exclude = await listCredentials(ctx.db, user.id)
  if (exclude.length >= PASSKEYS_MAX) throw passkeyErrors.tooMany()
  const displayName = displayNameOf(user)
  const { options, session } = await beginRegistration(party, {
    user,
    displayName,
    exclude: exclude.map(({ id }) => ({ id, transports: [] })),
    isDiscoverable: true,
  })
  const id = randomUUID()
  const expiresAt = await insertChallenge(ctx.db, {
    id,
    userId: user.id,
    type: 'registration',
    session,
    expireSeconds: CHALLENGE_SECONDS,
  })
  return { challenge_id: id, options, expires_at: expiresAt }
}

function displayNameOf(user: UserRow): string {
  const name = user.raw_user_meta_data?.name
  return typeof name === 'string' && name !== '' ? name : addressOf(user)
}

/** Mirrors auth internal/api/passkey_registration.go@bc32168 PasskeyRegistrationVerify. */
export async function registerPasskey(ctx: AuthContext, caller: SignedIn, input: Answer) {
  requireMayRegister(caller)
  const { user } = caller
  const { challengeId, credential: answer } = parseAnswer(input)
  const session = requireTaken(await takeChallenge(ctx.db, challengeId, 'registration', user.id))
  if (typeof answer.response !== 'object') throw passkeyErrors.credentialInvalid()
  const credential = await finishRegistration(requireParty(ctx), session, answer)
  if (credential === null) throw passkeyErrors.credentialWrong()

  return ctx.db.transaction(async (tx) => {
    await lockUser(tx, user.id)
    if ((await listCredentials(tx, user.id)).length >= PASSKEYS_MAX) throw passkeyErrors.tooMany()
    const made = await insertPasskey(tx, user.id, namePasskey(credential.aaguid), credential)
    if (made === null) throw passkeyErrors.credentialExists()
    await recordAudit(tx, 'passkey_created', user, { passkey_id: made.id })
    return { id: made.id, friendly_name: made.friendly_name, created_at: made.created_at }
  })
}

function requireMayRegister(caller: SignedIn): void {
  if (caller.user.is_anonymous || caller.claims.is_anonymous === true) throw passkeyErrors.anonymous()
  if (caller.user.is_sso_user) throw passkeyErrors.sso()
  requireLevel(caller)
}

/** Whoever has a second factor shows it before a way around it is made or taken away. */
export function requireLevel({ user, session }: SignedIn): void {
  const isSecond = session?.aal === 'aal2' || session?.aal === 'aal3'
  if (hasVerifiedFactor(user) && !isSecond) throw passkeyErrors.needsAal2()
}
