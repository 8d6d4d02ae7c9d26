import { createHash } from 'node:crypto'
import { arrive } from '../accounts/arrive.ts'
import { inArrival } from '../accounts/arrive-once.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { askElsewhere } from '../providers/ask-elsewhere.ts'
import { isKnownClaim, type Profile } from '../providers/profile.ts'
import { signInErrors } from '../providers/sign-in-errors.ts'
import { isAllowedRedirect } from '../redirects/redirect-url.ts'
import type { AuthReply } from '../route.ts'
import { issueSession } from '../sessions/issue-session.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { finishPkceFlow } from '../sign-in-elsewhere/external-flows.sql.ts'
import { redirectWithCode, redirectWithSession } from '../sign-in-elsewhere/redirects.ts'
import { emailOf, mapAttributes, parseAssertion, userIdOf, type Assertion } from './assertion.ts'
import { isStale, parseIdpMetadata, type IdpMetadata } from './idp-metadata.ts'
import { createSaml, serviceProviderOf } from './service-provider.ts'
import { ssoErrors } from './sso-errors.ts'
import {
  findSsoProvider,
  findSsoProviderByEntity,
  takeRelayState,
  updateMetadataXml,
  useAssertion,
  type RelayStateRow,
  type SsoProviderRow,
} from './sso-providers.sql.ts'
import { attributeOf, assertionNs, childOf, parseXml, textOf } from './xml.ts'

/** What was begun here and is answered now, or nothing: then the identity provider began it. */
interface Beginning {
  readonly provider: SsoProviderRow
  readonly state: RelayStateRow | null
  readonly redirectTo: string
}

/**
 * Signs in whom an identity provider vouches for. Mirrors auth internal/api/samlacs.go@bc32168; beyond it, an assertion is
 * good once, and one that answers a request is good with that request only.
 */
export async function consumeAssertion(ctx: AuthContext, form: URLSearchParams): Promise<AuthReply> {
  const response = form.get('SAMLResponse') ?? ''
  const { provider, state, redirectTo } = await findBeginning(ctx, form, response)
  if (provider.disabled === true) throw ssoErrors.domainProviderDisabled()
  const { idp, newXml } = await freshMetadata(ctx, provider)
  const assertion = await verify(ctx, idp, response, state)
  if (newXml !== null) await updateMetadataXml(ctx.db, provider.id, newXml)

  const providerType = `sso:${provider.id}`
  const profile = profileOf(assertion, provider)
  const target = isAllowedRedirect(ctx.settings, redirectTo) ? redirectTo : ctx.settings.siteUrl
  const outcome = await inArrival(ctx, async (tx) => {
    if (!(await useAssertion(tx, uuidOf(provider.id, assertion.id), provider.id, assertion.id)))
      throw ssoErrors.assertionInvalid(new Error('the assertion was used before'))
    const arrival = await arrive(ctx, tx, providerType, profile, { emailOptional: false, redirectTo: target })
    if (arrival.kind === 'refused') return arrival
    const { user } = arrival
    if (state?.is_pkce === true && state.flow_state_id !== null) {
      const tokens = { accessToken: '', refreshToken: '' }
      if (!(await finishPkceFlow(tx, state.flow_state_id, user.id, tokens))) throw signInErrors.stateUsed()
      return { kind: 'code', code: state.auth_code ?? '' } as const
    }
    const session = await issueSession(ctx, tx, user, {
      method: 'sso/saml',
      passwordHash: null,
      traits: { provider: providerType },
      notAfter: assertion.sessionEndsAt,
    })
    if (session === null) throw authErrors.userBanned(403)
    return { kind: 'session', session } as const
  })
  if (outcome.kind === 'refused') throw outcome.error
  return outcome.kind === 'code'
    ? redirectWithCode(target, outcome.code)
    : redirectWithSession(target, outcome.session, {})
}

async function findBeginning(ctx: AuthContext, form: URLSearchParams, response: string): Promise<Beginning> {
  const relay = form.get('RelayState') ?? ''
  if (isUuid(relay)) {
    const state = await takeRelayState(ctx.db, relay)
    if (state === null) throw ssoErrors.relayStateNotFound()
    if (state.is_expired) throw ssoErrors.relayStateExpired()
    const provider = await findSsoProvider(ctx.db, state.sso_provider_id)
    if (provider === null)
      throw authErrors.unexpectedFailure('Unable to find SSO Provider from SAML RelayState')
    return { provider, state, redirectTo: state.redirect_to ?? '' }
  }
  if (relay !== '' && !URL.canParse(relay)) throw ssoErrors.relayStateInvalid()
  if (form.has('SAMLart')) throw ssoErrors.artifactUnsupported()
  if (response === '') throw ssoErrors.responseMissing()
  const provider = await findSsoProviderByEntity(ctx.db, peekIssuer(response))
  if (provider === null) throw ssoErrors.idpNotFound()
  return { provider, state: null, redirectTo: relay }
}

/** Unverified: only to know whose keys to check with. */
function peekIssuer(response: string): string {
  try {
    const root = parseXml(Buffer.from(response, 'base64').toString('utf8'))
    return textOf(childOf(root, assertionNs, 'Issuer'))
  } catch {
    throw ssoErrors.responseNotXml()
  }
}

/** Providers change their keys; metadata that has an address is asked for again when it is old. */
async function freshMetadata(
  ctx: AuthContext,
  provider: SsoProviderRow,
): Promise<{ readonly idp: IdpMetadata; readonly newXml: string | null }> {
  const known = parseIdpMetadata(provider.metadata_xml)
  const url = provider.metadata_url ?? ''
  if (url === '' || !isStale(known, new Date(provider.metadata_at))) return { idp: known, newXml: null }
  try {
    const reply = await askElsewhere(ctx.outbound, { url, headers: { accept: 'application/xml' } })
    if (reply.status !== 200) throw new Error(`answered ${reply.status}`)
    const idp = parseIdpMetadata(reply.body)
    if (idp.entityId !== known.entityId) throw new Error('the metadata is of another provider')
    return { idp, newXml: reply.body }
  } catch (error) {
    ctx.log.warn({ error, ssoProviderId: provider.id }, 'SAML metadata could not be refreshed')
    return { idp: known, newXml: null }
  }
}

async function verify(
  ctx: AuthContext,
  idp: IdpMetadata,
  response: string,
  state: RelayStateRow | null,
): Promise<Assertion> {
  try {
    const requestId = state?.request_id ?? null
    const root = parseXml(Buffer.from(response, 'base64').toString('utf8'))
    const { profile } = await createSaml(ctx, idp, requestId).validatePostResponseAsync({
      SAMLResponse: response,
    })
    const xml = profile?.getAssertionXml?.()
    if (profile === null || xml === undefined) throw new Error('the response has no assertion')
    const assertion = parseAssertion(xml)
    const { acsUrl } = serviceProviderOf(ctx)
    const destination = attributeOf(root, 'Destination')
    if (destination !== null && destination !== acsUrl) throw new Error('the response is for another address')
    if (assertion.issuer !== idp.entityId) throw new Error('the assertion is of another provider')
    if (assertion.id === '') throw new Error('the assertion has no id')
    if (assertion.recipients.some((recipient) => recipient !== acsUrl))
      throw new Error('the assertion is for another recipient')
    // The response's own InResponseTo need not be signed, the assertion's is.
    if (assertion.inResponseTo.some((id) => id !== requestId))
      throw new Error('the assertion answers another request')
    if (requestId !== null && assertion.inResponseTo.length === 0)
      throw new Error('the assertion does not say which request it answers')
    return assertion
  } catch (error) {
    throw ssoErrors.assertionInvalid(error)
  }
}

function profileOf(assertion: Assertion, provider: SsoProviderRow): Profile {
  const userId = userIdOf(assertion)
  if (userId === '') throw ssoErrors.noUserId()
  const mapped = mapAttributes(assertion, provider.attribute_mapping ?? {})
  const email = typeof mapped.email === 'string' && mapped.email !== '' ? mapped.email : emailOf(assertion)
  if (email === '') throw ssoErrors.noEmail()
  const claims = Object.entries(mapped)
  const custom = claims.filter(([name]) => !isKnownClaim(name))
  return {
    emails: [{ email, isVerified: true, isPrimary: true }],
    claims: {
      ...Object.fromEntries(claims.filter(([name]) => isKnownClaim(name))),
      iss: provider.entity_id,
      sub: userId,
      ...(custom.length === 0 ? {} : { custom_claims: Object.fromEntries(custom) }),
    },
  }
}

/** The same for the same assertion of the same provider. */
function uuidOf(providerId: string, assertionId: string): string {
  const hex = createHash('sha256').update(`${providerId} ${assertionId}`).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
