import { randomUUID } from 'node:crypto'
import { sql, type Queryable, type Sql } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'
import type { Json } from '../users/user.ts'

/** Which attributes of an assertion become which claims. */
export interface AttributeMapping {
  readonly keys?: Readonly<Record<string, MappedAttribute>>
}
export interface MappedAttribute {
  readonly name?: string
  readonly names?: readonly string[]
  readonly default?: unknown
  readonly array?: boolean
}

export interface SsoProviderRow {
  readonly id: string
  readonly resource_id: string | null
  readonly disabled: boolean | null
  readonly created_at: string
  readonly updated_at: string
  readonly entity_id: string
  readonly metadata_xml: string
  readonly metadata_url: string | null
  readonly attribute_mapping: AttributeMapping | null
  readonly name_id_format: string | null
  /** When the metadata was stored. */
  readonly metadata_at: Date | string
  readonly domains: readonly Json[]
}

const select = (condition: Sql): Sql => sql`
  select p.id, p.resource_id, p.disabled, ${stamp(sql`p.created_at`)} as created_at,
    ${stamp(sql`p.updated_at`)} as updated_at,
    s.entity_id, s.metadata_xml, s.metadata_url, s.attribute_mapping, s.name_id_format,
    ${stamp(sql`s.updated_at`)} as metadata_at,
    coalesce((
      select jsonb_agg(
        jsonb_build_object(
          'domain', d.domain, 'created_at', ${stamp(sql`d.created_at`)}, 'updated_at', ${stamp(sql`d.updated_at`)}
        )
        order by d.created_at, d.domain
      )
      from auth.sso_domains d
      where d.sso_provider_id = p.id
    ), '[]') as domains
  from auth.sso_providers p
  join auth.saml_providers s on s.sso_provider_id = p.id
  where ${condition}
  order by p.created_at, p.id`

export const findSsoProvider = (db: Queryable, id: string) =>
  db.maybeOne<SsoProviderRow>(select(sql`p.id = ${id}`))
export const findSsoProviderByResource = (db: Queryable, resourceId: string) =>
  db.maybeOne<SsoProviderRow>(select(sql`p.resource_id = ${resourceId}`))
export const findSsoProviderByEntity = (db: Queryable, entityId: string) =>
  db.maybeOne<SsoProviderRow>(select(sql`s.entity_id = ${entityId}`))
export const findSsoProviderByDomain = (db: Queryable, domain: string) =>
  db.maybeOne<SsoProviderRow>(
    select(
      sql`p.id = (select d.sso_provider_id from auth.sso_domains d where lower(d.domain) = ${domain.toLowerCase()})`,
    ),
  )
export const listSsoProviders = (
  db: Queryable,
  filter: { readonly resourceId: string | null; readonly resourcePrefix: string | null },
) =>
  db.many<SsoProviderRow>(
    select(sql`
      (${filter.resourceId}::text is null or p.resource_id = ${filter.resourceId}::text)
      and (${filter.resourcePrefix}::text is null or starts_with(p.resource_id, ${filter.resourcePrefix}::text))`),
  )

export interface SsoProviderValues {
  readonly resourceId: string | null
  readonly disabled: boolean | null
  readonly metadataXml: string
  readonly metadataUrl: string | null
  readonly attributeMapping: AttributeMapping
  readonly nameIdFormat: string | null
}

export const insertSsoProvider = async (db: Queryable, entityId: string, values: SsoProviderValues) => {
  const id = randomUUID()
  await db.run(sql`
    with provider as (
      insert into auth.sso_providers (id, resource_id, disabled, created_at, updated_at)
      values (${id}, ${values.resourceId}, ${values.disabled}, now(), now())
      returning id
    )
    insert into auth.saml_providers (
      id, sso_provider_id, entity_id, metadata_xml, metadata_url, attribute_mapping, name_id_format,
      created_at, updated_at
    )
    select gen_random_uuid(), p.id, ${entityId}, ${values.metadataXml}, ${values.metadataUrl},
      ${JSON.stringify(values.attributeMapping)}::jsonb, ${values.nameIdFormat}, now(), now()
    from provider p
  `)
  return id
}

export const updateSsoProvider = async (db: Queryable, id: string, values: SsoProviderValues) => {
  await db.run(sql`
    with provider as (
      update auth.sso_providers
      set resource_id = ${values.resourceId}, disabled = ${values.disabled}, updated_at = now()
      where id = ${id}
    )
    update auth.saml_providers
    set metadata_xml = ${values.metadataXml}, metadata_url = ${values.metadataUrl},
        attribute_mapping = ${JSON.stringify(values.attributeMapping)}::jsonb,
        name_id_format = ${values.nameIdFormat}, updated_at = now()
    where sso_provider_id = ${id}
  `)
}

/** Exactly these domains from now on. Fails on sso_domains_domain_idx when another provider has one. */
export const replaceDomains = async (tx: Queryable, id: string, domains: readonly string[]) => {
  await tx.run(sql`
    delete from auth.sso_domains where sso_provider_id = ${id} and not (domain = any (${domains}::text[]))
  `)
  await tx.run(sql`
    insert into auth.sso_domains (id, sso_provider_id, domain, created_at, updated_at)
    select gen_random_uuid(), ${id}, given.domain, now(), now()
    from unnest(${domains}::text[]) as given (domain)
    where not exists (
      select from auth.sso_domains d where d.sso_provider_id = ${id} and d.domain = given.domain
    )
  `)
}

export const deleteSsoProvider = async (db: Queryable, id: string) => {
  await db.run(sql`delete from auth.sso_providers where id = ${id}`)
}

export const updateMetadataXml = async (db: Queryable, id: string, xml: string) => {
  await db.run(sql`
    update auth.saml_providers set metadata_xml = ${xml}, updated_at = now() where sso_provider_id = ${id}
  `)
}

export interface RelayStateRow {
  readonly sso_provider_id: string
  readonly request_id: string
  readonly redirect_to: string | null
  readonly flow_state_id: string | null
  readonly auth_code: string | null
  readonly is_pkce: boolean
  readonly is_expired: boolean
}

export const insertRelayState = async (
  db: Queryable,
  state: {
    readonly id: string
    readonly providerId: string
    readonly requestId: string
    readonly redirectTo: string
    readonly flowId: string
  },
) => {
  await db.run(sql`
    insert into auth.saml_relay_states (
      id, sso_provider_id, request_id, redirect_to, flow_state_id, created_at, updated_at
    )
    values (
      ${state.id}, ${state.providerId}, ${state.requestId}, ${state.redirectTo}, ${state.flowId}, now(), now()
    )
  `)
}

/** A request is answered once: whatever comes of it, the state is gone. GoTrue's two minutes. */
export const takeRelayState = (db: Queryable, id: string) =>
  db.maybeOne<RelayStateRow>(sql`
    with taken as (
      delete from auth.saml_relay_states
      where id = ${id} and flow_state_id is not null
      returning sso_provider_id, request_id, redirect_to, flow_state_id, created_at
    )
    select t.sso_provider_id, t.request_id, t.redirect_to, t.flow_state_id,
      f.auth_code, f.code_challenge is not null as is_pkce,
      t.created_at < now() - interval '2 minutes' as is_expired
    from taken t
    join auth.flow_state f on f.id = t.flow_state_id
  `)

/**
 * Notes that an assertion was used; false when it was before. It stands among the relay states, with an id made of the
 * assertion's and no flow, so that the schema stays Supabase's.
 */
export const useAssertion = async (db: Queryable, id: string, providerId: string, assertionId: string) =>
  (await db.run(sql`
    insert into auth.saml_relay_states (id, sso_provider_id, request_id, created_at, updated_at)
    values (${id}, ${providerId}, ${assertionId}, now(), now())
    on conflict do nothing
  `)) === 1
