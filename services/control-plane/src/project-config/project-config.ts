import type { ProjectConfig, StorageConfig } from '@favo/contracts'
import { sql } from '@favo/postgres'
import { readServerVersions } from '../clusters/clusters.sql.ts'
import { loadProject } from '../directory-source.ts'
import { controlErrors } from '../errors.ts'
import { everywhere, familyOf } from '../network/cidrs.ts'
import { findRestrictions } from '../network/network.sql.ts'
import { loadPostgresSettings } from '../postgres-settings/postgres-settings.routes.ts'
import type { Platform } from '../platform.ts'
import type { ProjectRow } from '../projects/projects.sql.ts'
import { renderRest } from '../settings/rest-settings.ts'
import { renderAuth } from '../settings/settings.routes.ts'
import { loadStorageConfig } from './storage-config.ts'

/** All settings of a project in one. */
export async function loadProjectConfig(platform: Platform, row: ProjectRow): Promise<ProjectConfig> {
  const [project, versionOf, storage, restrictions, postgresSettings] = await Promise.all([
    loadProject(platform, sql`p.ref = ${row.ref}`),
    readServerVersions(platform.db),
    loadStorageConfig(platform.db, row.ref),
    findRestrictions(platform.db, row.ref),
    loadPostgresSettings(platform.db, row.ref),
  ])
  if (project === null) throw controlErrors.projectNotFound()
  return {
    data: {
      type: 'project_config',
      id: row.ref,
      attributes: {
        database: {
          major_version: Number.parseInt(versionOf(row.database), 10),
          ssl_enforced: project.requiresTls === true,
          network_restrictions: {
            entitlement: 'allowed',
            status: 'applied',
            allowed_cidrs: (restrictions?.allowed_cidrs ?? everywhere).map((address) => ({
              address,
              type: familyOf(address) === 4 ? ('v4' as const) : ('v6' as const),
            })),
          },
          postgres_settings: postgresSettings,
        },
        pooler: renderPooling(platform.pooling),
        auth: renderAuth(project.auth),
        api: renderApi(renderRest(project.rest)),
        realtime,
        storage: renderStorage(storage),
      },
    },
  }
}

/** Of the transaction port; the same for all projects. Zero where there is no such limit. */
const renderPooling = ({ poolSize, clientsMax, waitSeconds, idleSeconds }: Platform['pooling']) => ({
  pool_mode: 'transaction',
  ignore_startup_parameters: '',
  server_idle_timeout: idleSeconds,
  server_lifetime: 0,
  query_wait_timeout: waitSeconds,
  reserve_pool_size: 0,
  default_pool_size: poolSize,
  max_client_conn: clientsMax,
})

const renderApi = (rest: ReturnType<typeof renderRest>) => ({
  db_schema: rest.db_schema,
  db_extra_search_path: rest.db_extra_search_path,
  max_rows: rest.max_rows,
  db_pool: rest.db_pool,
  db_pool_acquisition_timeout: 0,
  db_pool_max_lifetime: 0,
  db_pool_max_idletime: 0,
})

/** Suspended: this platform has no realtime service. */
const realtime = {
  private_only: false,
  max_concurrent_users: 0,
  max_events_per_second: 0,
  max_bytes_per_second: 0,
  max_channels_per_client: 0,
  max_joins_per_second: 0,
  max_presence_events_per_second: 0,
  max_payload_size_in_kb: 0,
  presence_enabled: false,
  suspend: true,
  connection_pool: 0,
  postgres_changes_pool: null,
}

const renderStorage = ({
  fileSizeLimit,
  features,
  capabilities,
  external,
  migrationVersion,
}: StorageConfig) => ({
  file_size_limit: fileSizeLimit,
  features: {
    image_transformation: features.imageTransformation,
    s3_protocol: features.s3Protocol,
    purge_cache: features.purgeCache,
    iceberg_catalog: {
      enabled: features.icebergCatalog.enabled,
      max_namespaces: features.icebergCatalog.maxNamespaces,
      max_tables: features.icebergCatalog.maxTables,
      max_catalogs: features.icebergCatalog.maxCatalogs,
    },
    vector_buckets: {
      enabled: features.vectorBuckets.enabled,
      max_buckets: features.vectorBuckets.maxBuckets,
      max_indexes: features.vectorBuckets.maxIndexes,
    },
  },
  capabilities,
  upstream_target: external.upstreamTarget,
  migration_version: migrationVersion,
})
