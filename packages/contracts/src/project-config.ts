import { z } from 'zod'

const Feature = z.object({ enabled: z.boolean() })
const count = z.number().int().min(0).max(1_000_000)

const storageFeatures = {
  imageTransformation: Feature,
  s3Protocol: Feature,
  purgeCache: Feature,
  icebergCatalog: z.object({
    enabled: z.boolean(),
    maxNamespaces: count,
    maxTables: count,
    maxCatalogs: count,
  }),
  vectorBuckets: z.object({ enabled: z.boolean(), maxBuckets: count, maxIndexes: count }),
}

/** `GET /v1/projects/{ref}/config/storage`. */
export const StorageConfig = z.object({
  fileSizeLimit: z.number(),
  features: z.object(storageFeatures),
  capabilities: z.object({
    list_v2: z.boolean(),
    iceberg_catalog: z.boolean(),
    object_versioning: z.boolean(),
  }),
  external: z.object({ upstreamTarget: z.enum(['main', 'canary']) }),
  migrationVersion: z.string().nullable(),
})
export type StorageConfig = z.infer<typeof StorageConfig>

export const UpdateStorageBody = z.object({
  /** Bytes; at most 500 GiB. */
  fileSizeLimit: z.number().int().min(0).max(536_870_912_000).optional(),
  features: z.object(storageFeatures).partial().optional(),
  external: z.object({ upstreamTarget: z.enum(['main', 'canary']) }).optional(),
})
export type UpdateStorageBody = z.infer<typeof UpdateStorageBody>

export const Bucket = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  public: z.boolean(),
})

const PoolMode = z.enum(['transaction', 'session'])

/** One way to reach a project's database. `connection_string` and `connectionString` are the same text. */
export const Pooler = z.object({
  identifier: z.string(),
  database_type: z.enum(['PRIMARY', 'READ_REPLICA']),
  is_using_scram_auth: z.boolean(),
  db_user: z.string(),
  db_host: z.string(),
  db_port: z.number(),
  db_name: z.string(),
  connection_string: z.string(),
  connectionString: z.string(),
  default_pool_size: z.number().nullable(),
  max_client_conn: z.number().nullable(),
  pool_mode: PoolMode,
})
export type Pooler = z.infer<typeof Pooler>

export const SslEnforcement = z.object({
  currentConfig: z.object({ database: z.boolean() }),
  appliedSuccessfully: z.boolean(),
})
export type SslEnforcement = z.infer<typeof SslEnforcement>

export const UpdateSslEnforcementBody = z.object({ requestedConfig: z.object({ database: z.boolean() }) })

/** `GET /v2/projects/{ref}/config`, which the CLI compares with `config.toml`. */
export const ProjectConfig = z.object({
  data: z.object({
    type: z.literal('project_config'),
    id: z.string(),
    attributes: z.object({
      database: z.object({
        major_version: z.number(),
        ssl_enforced: z.boolean(),
        network_restrictions: z.record(z.string(), z.unknown()),
        postgres_settings: z.record(z.string(), z.unknown()),
      }),
      pooler: z.record(z.string(), z.unknown()),
      auth: z.record(z.string(), z.unknown()),
      api: z.record(z.string(), z.unknown()),
      realtime: z.record(z.string(), z.unknown()),
      storage: z.record(z.string(), z.unknown()),
    }),
  }),
})
export type ProjectConfig = z.infer<typeof ProjectConfig>

export const Addons = z.object({
  selected_addons: z.array(z.unknown()),
  available_addons: z.array(z.unknown()),
})
export type Addons = z.infer<typeof Addons>

export const Backups = z.object({
  region: z.string(),
  walg_enabled: z.boolean(),
  pitr_enabled: z.boolean(),
  backups: z.array(
    z.object({
      id: z.number(),
      is_physical_backup: z.boolean(),
      status: z.string(),
      inserted_at: z.string(),
    }),
  ),
  physical_backup_data: z.object({
    earliest_physical_backup_date_unix: z.number().optional(),
    latest_physical_backup_date_unix: z.number().optional(),
  }),
})
export type Backups = z.infer<typeof Backups>

const ReleaseChannel = z.string()

export const UpgradeEligibility = z.object({
  eligible: z.boolean(),
  current_app_version: z.string(),
  current_app_version_release_channel: ReleaseChannel,
  latest_app_version: z.string(),
  target_upgrade_versions: z.array(
    z.object({ postgres_version: z.string(), release_channel: ReleaseChannel, app_version: z.string() }),
  ),
  duration_estimate_hours: z.number(),
  legacy_auth_custom_roles: z.array(z.string()),
  objects_to_be_dropped: z.array(z.string()),
  unsupported_extensions: z.array(z.string()),
  user_defined_objects_in_internal_schemas: z.array(z.string()),
  validation_errors: z.array(z.unknown()),
  warnings: z.array(z.unknown()),
})
export type UpgradeEligibility = z.infer<typeof UpgradeEligibility>

export const AvailableRegionsQuery = z.object({ organization_slug: z.string().max(64).optional() })

const Region = z.object({
  name: z.string(),
  code: z.string(),
  type: z.literal('specific'),
  provider: z.string(),
})
const RegionGroup = z.object({ name: z.string(), code: z.string(), type: z.literal('smartGroup') })

export const AvailableRegions = z.object({
  recommendations: z.object({ smartGroup: RegionGroup, specific: z.array(Region) }),
  all: z.object({ smartGroup: z.array(RegionGroup), specific: z.array(Region) }),
})
export type AvailableRegions = z.infer<typeof AvailableRegions>

export const SnippetsQuery = z.object({ project_ref: z.string().max(64).optional() })
export const Snippets = z.object({ data: z.array(z.unknown()), cursor: z.string().optional() })

export const Logs = z.object({ result: z.array(z.unknown()).optional(), error: z.string().optional() })
export type Logs = z.infer<typeof Logs>
