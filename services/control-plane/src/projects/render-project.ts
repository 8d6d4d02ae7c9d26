import type { ProjectConnection, ProjectDetails } from '@favo/contracts'
import type { Addresses, Platform } from '../platform.ts'
import { getJwtSecret, listApiKeyRows, openApiKey, signLegacyKeys } from './project-secrets.ts'
import type { ProjectRow } from './projects.sql.ts'

/** Fields that every shape of a project has. */
export const renderProject = (row: ProjectRow, addresses: Addresses) => ({
  // Project ids are refs in the Management API, except in the reply to a deletion.
  id: row.ref,
  ref: row.ref,
  organization_id: row.organization_id,
  organization_slug: row.organization_id,
  name: row.name,
  region: row.region,
  created_at: row.created_at,
  status: row.status,
  subdomain: row.subdomain,
  url: addresses.projectUrl(row.ref),
  path_url: addresses.pathUrl(row.ref),
  step: row.step,
  error: row.error,
})

export const renderDetails = (row: ProjectRow, addresses: Addresses, version: string): ProjectDetails => ({
  ...renderProject(row, addresses),
  database: {
    host: addresses.database.host,
    version,
    postgres_engine: version.split('.')[0] ?? version,
    release_channel: 'ga',
  },
})

/** Everything an application needs. Without the password (null) the URL says `****` in its place. */
export async function loadConnection(
  platform: Platform,
  row: ProjectRow,
  databasePassword: string | null,
): Promise<ProjectConnection> {
  const [jwtSecret, keys] = await Promise.all([
    getJwtSecret(platform, row.ref),
    listApiKeyRows(platform.db, row.ref),
  ])
  const openFirst = (type: 'publishable' | 'secret') => {
    const key = keys.find((candidate) => candidate.type === type)
    return key === undefined ? '' : openApiKey(platform, row.ref, key)
  }
  const { addresses } = platform
  return {
    ref: row.ref,
    name: row.name,
    subdomain: row.subdomain,
    status: row.status,
    url: addresses.projectUrl(row.ref),
    path_url: addresses.pathUrl(row.ref),
    keys: {
      ...signLegacyKeys(row, jwtSecret),
      publishable: openFirst('publishable'),
      secret: openFirst('secret'),
    },
    jwt_secret: jwtSecret,
    database: {
      url: databaseUrl(addresses, row.ref, databasePassword),
      transaction_url: databaseUrl(addresses, row.ref, databasePassword, addresses.database.transactionPort),
      name: row.database,
    },
  }
}

function databaseUrl(
  { database }: Addresses,
  ref: string,
  password: string | null,
  port = database.port,
): string {
  const host = database.host.includes(':') ? `[${database.host}]` : database.host
  const secret = password === null ? '****' : encodeURIComponent(password)
  return `postgresql://postgres.${ref}:${secret}@${host}:${port}/postgres`
}
