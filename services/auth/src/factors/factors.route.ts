import { recordAudit } from '../audit/audit.sql.ts'
import type { AuthContext, SignedIn } from '../context.ts'
import { authErrors } from '../errors.ts'
import { body, object, text } from '../parse-body.ts'
import { notifyUser } from '../mails/notify-user.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { renderSession } from '../sessions/session-reply.ts'
import { challengeFactor } from './challenge-factor.ts'
import { enrollFactor } from './enroll-factor.ts'
import { factorErrors } from './factor-errors.ts'
import { deleteFactor, findFactor, type FactorRow } from './factors.sql.ts'
import { verifyFactor } from './verify-factor.ts'

export const enrollFactorRoute = route({
  operation: 'auth.enroll_factor',
  method: 'POST',
  path: '/factors',
  access: 'user',
  body: body('EnrollFactorParams', {
    friendly_name: text(),
    factor_type: text(),
    issuer: text(),
    phone: text(),
  }),
  handle: async (ctx, { caller, body }) => {
    requireLasting(caller)
    return { status: 200, body: await enrollFactor(ctx, caller, body) }
  },
})

export const challengeFactorRoute = route({
  operation: 'auth.challenge_factor',
  method: 'POST',
  path: '/factors/:factor_id/challenge',
  access: 'user',
  limit: 'factor_challenge',
  body: { ...body('ChallengeFactorParams', { channel: text() }), isOptional: true },
  handle: async (ctx, { caller, params, body }) => {
    const factor = await loadFactor(ctx, caller, params.factor_id)
    return { status: 200, body: await challengeFactor(ctx, caller, factor, body.channel) }
  },
})

export const verifyFactorRoute = route({
  operation: 'auth.verify_factor',
  method: 'POST',
  path: '/factors/:factor_id/verify',
  access: 'user',
  limit: 'factor_verify',
  body: body('VerifyFactorParams', { challenge_id: text(), code: text(), webauthn: object() }),
  handle: async (ctx, { caller, params, body }) => {
    const factor = await loadFactor(ctx, caller, params.factor_id)
    const challengeId = parseChallengeId(body.challenge_id)
    return renderSession(await verifyFactor(ctx, caller, factor, { ...body, challenge_id: challengeId }))
  },
})

/** Go's type for ids reads none as zeros, and fails on anything else that is no UUID. */
function parseChallengeId(id: string): string {
  if (id === '') return NIL
  const { length } = id
  if (!isUuid(id))
    throw authErrors.badJson(`uuid: incorrect UUID length ${length} in string ${JSON.stringify(id)}`)
  return id
}

const NIL = '00000000-0000-0000-0000-000000000000'

export const unenrollFactorRoute = route({
  operation: 'auth.unenroll_factor',
  method: 'DELETE',
  path: '/factors/:factor_id',
  access: 'user',
  handle: async (ctx, { caller, params }) => {
    const factor = await loadFactor(ctx, caller, params.factor_id)
    await unenrollFactor(ctx, caller, factor)
    return { status: 200, body: { id: factor.id } }
  },
})

function requireLasting({ user, claims }: SignedIn): void {
  if (user.is_anonymous || claims.is_anonymous === true) throw factorErrors.anonymous()
}

async function loadFactor(ctx: AuthContext, caller: SignedIn, id: string | undefined): Promise<FactorRow> {
  requireLasting(caller)
  if (!isUuid(id)) throw factorErrors.idNotUuid()
  const factor = await findFactor(ctx.db, caller.user.id, id)
  if (factor === null) throw factorErrors.notFound()
  return factor
}

async function unenrollFactor(ctx: AuthContext, { user, session }: SignedIn, factor: FactorRow) {
  if (session === null) throw factorErrors.sessionNeeded('unenroll')
  if (factor.status === 'verified' && session.aal !== 'aal2' && session.aal !== 'aal3')
    throw factorErrors.unenrollNeedsAal2()
  await ctx.db.transaction(async (tx) => {
    await deleteFactor(tx, factor)
    await recordAudit(tx, 'factor_unenrolled', user, {
      factor_id: factor.id,
      factor_status: factor.status,
      session_id: session.id,
    })
    await notifyUser(ctx, tx, user, 'mfa_factor_unenrolled', { factorType: factor.factor_type })
  })
}
