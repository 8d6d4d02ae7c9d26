import { sql, type Queryable } from '@favo/postgres'
import type { CustomProviderRow } from '../providers/custom-provider.ts'
import { stamp } from '../users/users.sql.ts'
import type { Json } from '../users/user.ts'

export interface StoredCustomProvider extends CustomProviderRow {
  readonly id: string
  readonly name: string
  readonly jwks_uri: string | null
  readonly cached_discovery: Json | null
  readonly created_at: string
  readonly updated_at: string
}

const columns = sql`
  id, provider_type, identifier, name, client_id, client_secret, acceptable_client_ids, scopes, pkce_enabled,
  attribute_mapping, custom_claims_allowlist, authorization_params, enabled, email_optional, issuer, discovery_url,
  skip_nonce_check, cached_discovery, authorization_url, token_url, userinfo_url, jwks_uri,
  ${stamp(sql`created_at`)} as created_at, ${stamp(sql`updated_at`)} as updated_at`

export const listCustomProviders = (db: Queryable, type: string | null) =>
  db.many<StoredCustomProvider>(sql`
    select ${columns}
    from auth.custom_oauth_providers
    where ${type}::text is null or provider_type = ${type}::text
    order by custom_oauth_providers.created_at, id
  `)

export const findStoredCustomProvider = (db: Queryable, identifier: string) =>
  db.maybeOne<StoredCustomProvider>(sql`
    select ${columns} from auth.custom_oauth_providers where identifier = ${identifier}
  `)

export type CustomProviderValues = Omit<StoredCustomProvider, 'id' | 'created_at' | 'updated_at'>

/** Null when the identifier is taken. */
export const insertCustomProvider = (db: Queryable, provider: CustomProviderValues) =>
  db.maybeOne<StoredCustomProvider>(sql`
    insert into auth.custom_oauth_providers (
      provider_type, identifier, name, client_id, client_secret, acceptable_client_ids, scopes, pkce_enabled,
      attribute_mapping, custom_claims_allowlist, authorization_params, enabled, email_optional, issuer,
      discovery_url, skip_nonce_check, cached_discovery, discovery_cached_at, authorization_url, token_url,
      userinfo_url, jwks_uri
    )
    values (
      ${provider.provider_type}, ${provider.identifier}, ${provider.name}, ${provider.client_id},
      ${provider.client_secret}, ${provider.acceptable_client_ids}::text[], ${provider.scopes}::text[],
      ${provider.pkce_enabled}, ${provider.attribute_mapping}, ${provider.custom_claims_allowlist}::text[],
      ${provider.authorization_params}, ${provider.enabled}, ${provider.email_optional}, ${provider.issuer},
      ${provider.discovery_url}, ${provider.skip_nonce_check}, ${provider.cached_discovery}::jsonb, now(),
      ${provider.authorization_url}, ${provider.token_url}, ${provider.userinfo_url}, ${provider.jwks_uri}
    )
    on conflict (identifier) do nothing
    returning ${columns}
  `)

export const updateCustomProvider = (db: Queryable, id: string, provider: CustomProviderValues) =>
  db.maybeOne<StoredCustomProvider>(sql`
    update auth.custom_oauth_providers
    set name = ${provider.name}, client_id = ${provider.client_id}, client_secret = ${provider.client_secret},
        acceptable_client_ids = ${provider.acceptable_client_ids}::text[], scopes = ${provider.scopes}::text[],
        pkce_enabled = ${provider.pkce_enabled}, attribute_mapping = ${provider.attribute_mapping},
        custom_claims_allowlist = ${provider.custom_claims_allowlist}::text[],
        authorization_params = ${provider.authorization_params}, enabled = ${provider.enabled},
        email_optional = ${provider.email_optional}, issuer = ${provider.issuer},
        discovery_url = ${provider.discovery_url}, skip_nonce_check = ${provider.skip_nonce_check},
        cached_discovery = ${provider.cached_discovery}::jsonb, discovery_cached_at = now(),
        authorization_url = ${provider.authorization_url}, token_url = ${provider.token_url},
        userinfo_url = ${provider.userinfo_url}, jwks_uri = ${provider.jwks_uri}, updated_at = now()
    where id = ${id}
    returning ${columns}
  `)

export const deleteCustomProvider = async (db: Queryable, identifier: string) =>
  (await db.run(sql`delete from auth.custom_oauth_providers where identifier = ${identifier}`)) === 1
