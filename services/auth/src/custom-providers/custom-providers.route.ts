import { z } from 'zod'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { body, object, optionalFlag, optionalText, text } from '../parse-body.ts'
import { route } from '../route.ts'
import {
  changeCustomProvider,
  checkIdentifier,
  createCustomProvider,
  renderCustomProvider,
} from './custom-providers.ts'
import {
  deleteCustomProvider,
  findStoredCustomProvider,
  listCustomProviders,
  type StoredCustomProvider,
} from './custom-providers.sql.ts'

const texts = () =>
  z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? null)

const providerBody = body('AdminCustomOAuthProviderParams', {
  provider_type: text(),
  identifier: text(),
  name: text(),
  client_id: text(),
  client_secret: text(),
  acceptable_client_ids: texts(),
  scopes: texts(),
  pkce_enabled: optionalFlag(),
  attribute_mapping: object(),
  custom_claims_allowlist: texts(),
  authorization_params: object(),
  enabled: optionalFlag(),
  email_optional: optionalFlag(),
  issuer: text(),
  discovery_url: optionalText(),
  skip_nonce_check: optionalFlag(),
  authorization_url: text(),
  token_url: text(),
  userinfo_url: text(),
  jwks_uri: optionalText(),
})

const notFound = () => new AuthError(404, 'custom_provider_not_found', 'Custom OAuth provider not found')

function checkEnabled({ settings }: AuthContext): void {
  if (!settings.customOAuthEnabled)
    throw new AuthError(404, 'feature_disabled', 'Custom OAuth providers are disabled')
}

async function getProvider(ctx: AuthContext, identifier: string): Promise<StoredCustomProvider> {
  checkEnabled(ctx)
  checkIdentifier(identifier)
  const found = await findStoredCustomProvider(ctx.db, identifier)
  if (found === null) throw notFound()
  return found
}

export const customProviderRoutes = [
  route({
    operation: 'auth.admin_list_custom_providers',
    method: 'GET',
    path: '/admin/custom-providers',
    access: 'admin',
    handle: async (ctx, { query }) => {
      checkEnabled(ctx)
      const type = query.get('type') ?? ''
      if (type !== '' && type !== 'oauth2' && type !== 'oidc')
        throw authErrors.validationFailed("type must be either 'oauth2' or 'oidc'")
      const rows = await listCustomProviders(ctx.db, type === '' ? null : type)
      return { status: 200, body: { providers: rows.map(renderCustomProvider) } }
    },
  }),
  route({
    operation: 'auth.admin_create_custom_provider',
    method: 'POST',
    path: '/admin/custom-providers',
    access: 'admin',
    body: providerBody,
    handle: async (ctx, { body }) => {
      checkEnabled(ctx)
      return { status: 201, body: renderCustomProvider(await createCustomProvider(ctx, body)) }
    },
  }),
  route({
    operation: 'auth.admin_get_custom_provider',
    method: 'GET',
    path: '/admin/custom-providers/:identifier',
    access: 'admin',
    handle: async (ctx, { params }) => ({
      status: 200,
      body: renderCustomProvider(await getProvider(ctx, params.identifier ?? '')),
    }),
  }),
  route({
    operation: 'auth.admin_change_custom_provider',
    method: 'PUT',
    path: '/admin/custom-providers/:identifier',
    access: 'admin',
    body: providerBody,
    handle: async (ctx, { params, body }) => {
      const provider = await getProvider(ctx, params.identifier ?? '')
      return { status: 200, body: renderCustomProvider(await changeCustomProvider(ctx, provider, body)) }
    },
  }),
  route({
    operation: 'auth.admin_delete_custom_provider',
    method: 'DELETE',
    path: '/admin/custom-providers/:identifier',
    access: 'admin',
    handle: async (ctx, { params }) => {
      const { identifier } = await getProvider(ctx, params.identifier ?? '')
      if (!(await deleteCustomProvider(ctx.db, identifier))) throw notFound()
      return { status: 204 }
    },
  }),
]
