import { randomUUID } from 'node:crypto'
import { parseChallenge } from '../flow-states/pkce.ts'
import type { AuthContext } from '../context.ts'
import { authErrors } from '../errors.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { insertExternalFlow } from '../sign-in-elsewhere/external-flows.sql.ts'
import { parseIdpMetadata } from './idp-metadata.ts'
import { createSaml } from './service-provider.ts'
import { ssoErrors } from './sso-errors.ts'
import {
  findSsoProvider,
  findSsoProviderByDomain,
  insertRelayState,
  type SsoProviderRow,
} from './sso-providers.sql.ts'

export interface SsoInput {
  readonly provider_id: string
  readonly domain: string
  readonly redirect_to: string
  readonly code_challenge: string
  readonly code_challenge_method: string
}

const NIL = '00000000-0000-0000-0000-000000000000'

/** Where the browser goes with a signed request. Mirrors auth internal/api/sso.go@bc32168. */
export async function signInWithSso(ctx: AuthContext, input: SsoInput): Promise<string> {
  const provider = await getProvider(ctx, input)
  if (provider.disabled === true) throw ssoErrors.providerDisabled()
  const challenge = parseChallenge(input.code_challenge, input.code_challenge_method)
  const idp = parseIdpMetadata(provider.metadata_xml)
  if (idp.redirectUrl === null || idp.signingCertificates.length === 0)
    throw authErrors.unexpectedFailure('Error creating SAML Authentication Request')

  // XML's ids must not begin with a digit.
  const [flowId, relayId, requestId] = [randomUUID(), randomUUID(), `id-${randomUUID()}`]
  const { redirect_to: redirectTo } = input
  await ctx.db.transaction(async (tx) => {
    await insertExternalFlow(tx, {
      id: flowId,
      provider: 'sso/saml',
      method: 'sso/saml',
      challenge,
      inviteToken: '',
      redirectTo,
      secret: null,
      linkingTargetId: null,
      emailOptional: false,
    })
    await insertRelayState(tx, { id: relayId, providerId: provider.id, requestId, redirectTo, flowId })
  })
  return createSaml(ctx, idp, requestId, provider.name_id_format).getAuthorizeUrlAsync(relayId, undefined, {})
}

async function getProvider(ctx: AuthContext, input: SsoInput): Promise<SsoProviderRow> {
  const { provider_id: id, domain } = input
  const hasId = id !== '' && id !== NIL
  if (hasId && domain !== '') throw ssoErrors.bothGiven()
  if (!hasId && domain === '') throw ssoErrors.noneGiven()
  if (hasId && !isUuid(id))
    throw authErrors.badJson(
      `uuid: incorrect UUID length ${input.provider_id.length} in string ${JSON.stringify(input.provider_id)}`,
    )
  const found = hasId ? await findSsoProvider(ctx.db, id) : await findSsoProviderByDomain(ctx.db, domain)
  if (found === null) throw hasId ? ssoErrors.noSuchProvider() : ssoErrors.noProviderOfDomain()
  return found
}
