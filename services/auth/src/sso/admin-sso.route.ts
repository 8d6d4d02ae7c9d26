import { z } from 'zod'
import { body, optionalFlag, optionalText, text } from '../parse-body.ts'
import { route } from '../route.ts'
import { changeSsoProvider, createSsoProvider, getSsoProvider, renderSsoProvider } from './admin-sso.ts'
import { deleteSsoProvider, listSsoProviders } from './sso-providers.sql.ts'

const optionalTexts = () =>
  z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? null)

const providerBody = body('CreateSSOProviderParams', {
  type: text(),
  metadata_url: text(),
  metadata_xml: text(),
  domains: optionalTexts(),
  attribute_mapping: z
    .object({
      keys: z
        .record(
          z.string(),
          z.object({
            name: z.string().optional(),
            names: z.array(z.string()).optional(),
            default: z.unknown().optional(),
            array: z.boolean().optional(),
          }),
        )
        .optional(),
    })
    .nullish()
    .transform((value) => value ?? null),
  name_id_format: text(),
  resource_id: optionalText(),
  disabled: optionalFlag(),
})

const withXml = { withXml: true }

export const adminSsoRoutes = [
  route({
    operation: 'auth.admin_list_sso_providers',
    method: 'GET',
    path: '/admin/sso/providers',
    access: 'admin',
    handle: async (ctx, { query }) => {
      const [resourceId, prefix] = [query.get('resource_id') ?? '', query.get('resource_id_prefix') ?? '']
      const rows = await listSsoProviders(ctx.db, {
        resourceId: resourceId === '' ? null : resourceId,
        resourcePrefix: resourceId !== '' || prefix === '' ? null : prefix,
      })
      return { status: 200, body: { items: rows.map((row) => renderSsoProvider(row, { withXml: false })) } }
    },
  }),
  route({
    operation: 'auth.admin_create_sso_provider',
    method: 'POST',
    path: '/admin/sso/providers',
    access: 'admin',
    body: providerBody,
    handle: async (ctx, { body }) => ({
      status: 201,
      body: renderSsoProvider(await createSsoProvider(ctx, body), withXml),
    }),
  }),
  route({
    operation: 'auth.admin_get_sso_provider',
    method: 'GET',
    path: '/admin/sso/providers/:id',
    access: 'admin',
    handle: async (ctx, { params }) => ({
      status: 200,
      body: renderSsoProvider(await getSsoProvider(ctx, params.id ?? ''), withXml),
    }),
  }),
  route({
    operation: 'auth.admin_change_sso_provider',
    method: 'PUT',
    path: '/admin/sso/providers/:id',
    access: 'admin',
    body: providerBody,
    handle: async (ctx, { params, body }) => {
      const provider = await getSsoProvider(ctx, params.id ?? '')
      return { status: 200, body: renderSsoProvider(await changeSsoProvider(ctx, provider, body), withXml) }
    },
  }),
  route({
    operation: 'auth.admin_delete_sso_provider',
    method: 'DELETE',
    path: '/admin/sso/providers/:id',
    access: 'admin',
    handle: async (ctx, { params }) => {
      const provider = await getSsoProvider(ctx, params.id ?? '')
      await deleteSsoProvider(ctx.db, provider.id)
      return { status: 200, body: renderSsoProvider(provider, withXml) }
    },
  }),
]
