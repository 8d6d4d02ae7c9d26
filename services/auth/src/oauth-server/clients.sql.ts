import { sql, type Queryable } from '@favo/postgres'
import { stamp } from '../users/users.sql.ts'

export interface ClientRow {
  readonly id: string
  readonly client_secret_hash: string | null
  readonly registration_type: 'dynamic' | 'manual'
  readonly client_type: 'public' | 'confidential'
  readonly token_endpoint_auth_method: string
  /** With commas between, as in Supabase's schema. */
  readonly redirect_uris: string
  readonly grant_types: string
  readonly client_name: string | null
  readonly client_uri: string | null
  readonly logo_uri: string | null
  readonly created_at: string
  readonly updated_at: string
}

const columns = sql`
  id, client_secret_hash, registration_type::text, client_type::text, token_endpoint_auth_method, redirect_uris,
  grant_types, client_name, client_uri, logo_uri,
  ${stamp(sql`created_at`)} as created_at, ${stamp(sql`updated_at`)} as updated_at`

export const findClient = (db: Queryable, id: string) =>
  db.maybeOne<ClientRow>(
    sql`select ${columns} from auth.oauth_clients where id = ${id} and deleted_at is null`,
  )

export const listClients = (db: Queryable) =>
  db.many<ClientRow>(sql`
    select ${columns} from auth.oauth_clients where deleted_at is null order by oauth_clients.created_at desc, id
  `)

export type ClientValues = Omit<ClientRow, 'id' | 'created_at' | 'updated_at'>

export const insertClient = (db: Queryable, client: ClientValues) =>
  db.one<ClientRow>(sql`
    insert into auth.oauth_clients (
      id, client_secret_hash, registration_type, client_type, token_endpoint_auth_method, redirect_uris,
      grant_types, client_name, client_uri, logo_uri
    )
    values (
      gen_random_uuid(), ${client.client_secret_hash}, ${client.registration_type}::auth.oauth_registration_type,
      ${client.client_type}::auth.oauth_client_type, ${client.token_endpoint_auth_method},
      ${client.redirect_uris}, ${client.grant_types}, ${client.client_name}, ${client.client_uri},
      ${client.logo_uri}
    )
    returning ${columns}
  `)

export const updateClient = (db: Queryable, id: string, client: ClientValues) =>
  db.one<ClientRow>(sql`
    update auth.oauth_clients
    set client_secret_hash = ${client.client_secret_hash},
        token_endpoint_auth_method = ${client.token_endpoint_auth_method},
        redirect_uris = ${client.redirect_uris}, grant_types = ${client.grant_types},
        client_name = ${client.client_name}, client_uri = ${client.client_uri}, logo_uri = ${client.logo_uri},
        updated_at = now()
    where id = ${id}
    returning ${columns}
  `)

/** What was granted to it goes with it. */
export const deleteClient = async (db: Queryable, id: string) => {
  await db.run(sql`
    with sessions as (
      delete from auth.sessions where oauth_client_id = ${id}
    )
    update auth.oauth_clients set deleted_at = now(), updated_at = now() where id = ${id}
  `)
}
