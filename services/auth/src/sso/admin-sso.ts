import { DatabaseError } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import { askElsewhere } from '../providers/ask-elsewhere.ts'
import { isUuid } from '../sessions/require-signed-in.ts'
import { parseIdpMetadata, type IdpMetadata } from './idp-metadata.ts'
import { ssoErrors } from './sso-errors.ts'
import {
  findSsoProvider,
  findSsoProviderByDomain,
  findSsoProviderByEntity,
  findSsoProviderByResource,
  insertSsoProvider,
  replaceDomains,
  updateSsoProvider,
  type AttributeMapping,
  type SsoProviderRow,
} from './sso-providers.sql.ts'

export interface SsoProviderInput {
  readonly type: string
  readonly metadata_url: string
  readonly metadata_xml: string
  /** Null leaves them. */
  readonly domains: readonly string[] | null
  readonly attribute_mapping: AttributeMapping | null
  readonly name_id_format: string
  readonly resource_id: string | null
  readonly disabled: boolean | null
}

const formats = [
  'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
  'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
]

/** Mirrors auth internal/api/ssoadmin.go@bc32168. */
export async function createSsoProvider(ctx: AuthContext, input: SsoProviderInput): Promise<SsoProviderRow> {
  checkInput(input, false)
  const { xml, idp } = await readMetadata(ctx, input)
  if ((await findSsoProviderByEntity(ctx.db, idp.entityId)) !== null) throw ssoErrors.idpExists(idp.entityId)
  const domains = input.domains ?? []
  await checkDomains(ctx, domains, null)
  return saving(() =>
    ctx.db.transaction(async (tx) => {
      const id = await insertSsoProvider(tx, idp.entityId, {
        resourceId: input.resource_id,
        disabled: input.disabled,
        metadataXml: xml,
        metadataUrl: emptyToNull(input.metadata_url),
        attributeMapping: input.attribute_mapping ?? {},
        nameIdFormat: emptyToNull(input.name_id_format),
      })
      await replaceDomains(tx, id, domains)
      return stored(await findSsoProvider(tx, id))
    }),
  )
}

export async function changeSsoProvider(
  ctx: AuthContext,
  provider: SsoProviderRow,
  input: SsoProviderInput,
): Promise<SsoProviderRow> {
  checkInput(input, true)
  const isNewMetadata = input.metadata_xml !== '' || input.metadata_url !== ''
  const metadata = isNewMetadata ? await readMetadata(ctx, input) : null
  if (metadata !== null && metadata.idp.entityId !== provider.entity_id)
    throw ssoErrors.entityIdMismatch(provider.entity_id, metadata.idp.entityId)
  if (input.domains !== null) await checkDomains(ctx, input.domains, provider.id)
  const { resource_id: resourceId, attribute_mapping: mapping } = input
  return saving(() =>
    ctx.db.transaction(async (tx) => {
      await updateSsoProvider(tx, provider.id, {
        resourceId: resourceId === null ? provider.resource_id : emptyToNull(resourceId),
        disabled: input.disabled ?? provider.disabled,
        metadataXml: metadata?.xml ?? provider.metadata_xml,
        metadataUrl: emptyToNull(input.metadata_url) ?? provider.metadata_url,
        attributeMapping: mapping?.keys === undefined ? (provider.attribute_mapping ?? {}) : mapping,
        nameIdFormat: emptyToNull(input.name_id_format),
      })
      if (input.domains !== null) await replaceDomains(tx, provider.id, input.domains)
      return stored(await findSsoProvider(tx, provider.id))
    }),
  )
}

/** By its id, or as `resource_<id>` by the customer's own. Throws sso_provider_not_found. */
export async function getSsoProvider(ctx: AuthContext, id: string): Promise<SsoProviderRow> {
  const prefix = 'resource_'
  const found = id.startsWith(prefix)
    ? await findSsoProviderByResource(ctx.db, id.slice(prefix.length))
    : isUuid(id)
      ? await findSsoProvider(ctx.db, id)
      : null
  if (found === null) throw ssoErrors.providerNotFound()
  return found
}

function checkInput(
  { type, metadata_url: url, metadata_xml: xml, name_id_format: format }: SsoProviderInput,
  isChange: boolean,
): void {
  if (!isChange && type !== 'saml') throw ssoErrors.invalid("Only 'saml' supported for SSO provider type")
  if (url !== '' && xml !== '')
    throw ssoErrors.invalid('Only one of metadata_xml or metadata_url needs to be set')
  if (!isChange && url === '' && xml === '')
    throw ssoErrors.invalid('Either metadata_xml or metadata_url must be set')
  if (url !== '' && !URL.canParse(url)) throw ssoErrors.invalid('metadata_url is not a valid URL')
  if (url !== '' && new URL(url).protocol !== 'https:')
    throw ssoErrors.invalid('metadata_url is not a HTTPS URL')
  if (format !== '' && !formats.includes(format))
    throw ssoErrors.invalid(`name_id_format must be unspecified or one of ${formats.join(', ')}`)
}

async function readMetadata(
  ctx: AuthContext,
  { metadata_xml: given, metadata_url: url }: SsoProviderInput,
): Promise<{ readonly xml: string; readonly idp: IdpMetadata }> {
  if (given !== '') return { xml: given, idp: parseIdpMetadata(given) }
  const headers = { accept: 'application/xml;charset=UTF-8', 'accept-charset': 'UTF-8' }
  const reply = await askElsewhere(ctx.outbound, { url, headers }).catch(() => null)
  if (reply?.status !== 200) throw ssoErrors.metadataFetchFailed(reply?.status ?? 'connection', url)
  return { xml: reply.body, idp: parseIdpMetadata(reply.body) }
}

async function checkDomains(
  ctx: AuthContext,
  domains: readonly string[],
  ownId: string | null,
): Promise<void> {
  for (const domain of domains) {
    const owner = await findSsoProviderByDomain(ctx.db, domain)
    if (owner !== null && owner.id !== ownId) throw ssoErrors.domainTaken(domain, owner.id)
  }
}

/** Somebody else may have taken the name, the domain or the provider at the same moment. */
async function saving<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseError && error.code.startsWith('23')) throw ssoErrors.conflict(error)
    throw error
  }
}

function stored(row: SsoProviderRow | null): SsoProviderRow {
  if (row === null) throw ssoErrors.conflict(new Error('the provider has gone'))
  return row
}

const emptyToNull = (text: string) => (text === '' ? null : text)

export function renderSsoProvider(row: SsoProviderRow, options: { readonly withXml: boolean }) {
  return {
    id: row.id,
    ...(row.resource_id === null ? {} : { resource_id: row.resource_id }),
    disabled: row.disabled,
    saml: {
      entity_id: row.entity_id,
      ...(options.withXml ? { metadata_xml: row.metadata_xml } : {}),
      ...(row.metadata_url === null ? {} : { metadata_url: row.metadata_url }),
      attribute_mapping: row.attribute_mapping ?? {},
      ...(row.name_id_format === null ? {} : { name_id_format: row.name_id_format }),
    },
    domains: row.domains,
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}
