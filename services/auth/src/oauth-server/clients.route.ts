import { z } from 'zod'
import type { AuthContext } from '../context.ts'
import { body, optionalText, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import {
  changeClient,
  createClient,
  createClientSecret,
  hashSecret,
  renderClient,
  type ClientInput,
} from './clients.ts'
import {
  deleteClient,
  findClient,
  insertClient,
  listClients,
  updateClient,
  type ClientRow,
} from './clients.sql.ts'
import { oauthServerErrors } from './oauth-server-errors.ts'

const texts = () =>
  z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? null)

const clientBody = body('OAuthServerClientRegisterParams', {
  redirect_uris: texts(),
  client_type: text(),
  token_endpoint_auth_method: optionalText(),
  grant_types: texts(),
  client_name: optionalText(),
  client_uri: optionalText(),
  logo_uri: optionalText(),
})

export function checkOAuthServer({ settings }: AuthContext): void {
  if (!settings.oauthServerEnabled) throw oauthServerErrors.disabled()
}

async function register(ctx: AuthContext, input: ClientInput, registration: ClientRow['registration_type']) {
  const { values, secret } = createClient(input, registration)
  return { status: 201, body: renderClient(await insertClient(ctx.db, values), secret) }
}

async function getClient(ctx: AuthContext, id: string): Promise<ClientRow> {
  checkOAuthServer(ctx)
  if (!isUuid(id)) throw oauthServerErrors.invalid('invalid client_id format')
  const client = await findClient(ctx.db, id)
  if (client === null) throw oauthServerErrors.clientNotFound()
  return client
}

export const clientRoutes = [
  route({
    operation: 'auth.oauth_register_client',
    method: 'POST',
    path: '/oauth/clients/register',
    access: 'open',
    limit: 'client_registration',
    body: clientBody,
    handle: async (ctx, { body }) => {
      checkOAuthServer(ctx)
      if (!ctx.settings.oauthServerAllowDynamicRegistration) throw oauthServerErrors.registrationDisabled()
      return register(ctx, body, 'dynamic')
    },
  }),
  route({
    operation: 'auth.admin_create_oauth_client',
    method: 'POST',
    path: '/admin/oauth/clients',
    access: 'admin',
    body: clientBody,
    handle: async (ctx, { body }) => {
      checkOAuthServer(ctx)
      return register(ctx, body, 'manual')
    },
  }),
  route({
    operation: 'auth.admin_list_oauth_clients',
    method: 'GET',
    path: '/admin/oauth/clients',
    access: 'admin',
    handle: async (ctx) => {
      checkOAuthServer(ctx)
      const clients = (await listClients(ctx.db)).map((client) => renderClient(client))
      return { status: 200, body: clients.length === 0 ? {} : { clients } }
    },
  }),
  route({
    operation: 'auth.admin_get_oauth_client',
    method: 'GET',
    path: '/admin/oauth/clients/:id',
    access: 'admin',
    handle: async (ctx, { params }) => ({
      status: 200,
      body: renderClient(await getClient(ctx, params.id ?? '')),
    }),
  }),
  route({
    operation: 'auth.admin_change_oauth_client',
    method: 'PUT',
    path: '/admin/oauth/clients/:id',
    access: 'admin',
    body: clientBody,
    handle: async (ctx, { params, body }) => {
      const client = await getClient(ctx, params.id ?? '')
      return {
        status: 200,
        body: renderClient(await updateClient(ctx.db, client.id, changeClient(client, body))),
      }
    },
  }),
  route({
    operation: 'auth.admin_delete_oauth_client',
    method: 'DELETE',
    path: '/admin/oauth/clients/:id',
    access: 'admin',
    handle: async (ctx, { params }) => {
      const client = await getClient(ctx, params.id ?? '')
      await deleteClient(ctx.db, client.id)
      return { status: 204 }
    },
  }),
  route({
    operation: 'auth.admin_regenerate_oauth_secret',
    method: 'POST',
    path: '/admin/oauth/clients/:id/regenerate_secret',
    access: 'admin',
    handle: async (ctx, { params }) => {
      const client = await getClient(ctx, params.id ?? '')
      if (client.client_type === 'public')
        throw oauthServerErrors.invalid('Cannot regenerate secret for public client')
      const secret = createClientSecret()
      const changed = await updateClient(ctx.db, client.id, {
        ...client,
        client_secret_hash: hashSecret(secret),
      })
      return { status: 200, body: renderClient(changed, secret) }
    },
  }),
]
