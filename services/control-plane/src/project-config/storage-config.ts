import type { StorageConfig, UpdateStorageBody } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'

/** Supabase's own default is 50 MiB. */
const defaults: StorageConfig = {
  fileSizeLimit: 50 * 1_048_576,
  features: {
    imageTransformation: { enabled: false },
    s3Protocol: { enabled: false },
    purgeCache: { enabled: false },
    icebergCatalog: { enabled: false, maxNamespaces: 0, maxTables: 0, maxCatalogs: 0 },
    vectorBuckets: { enabled: false, maxBuckets: 0, maxIndexes: 0 },
  },
  capabilities: { list_v2: false, iceberg_catalog: false, object_versioning: false },
  external: { upstreamTarget: 'main' },
  migrationVersion: null,
}

export async function loadStorageConfig(db: Queryable, ref: string): Promise<StorageConfig> {
  const { storage } = await db.one<{ storage: UpdateStorageBody }>(
    sql`select storage from control.project_settings where ref = ${ref}`,
  )
  return {
    ...defaults,
    ...storage,
    features: { ...defaults.features, ...storage.features },
  }
}

export const saveStorageConfig = (db: Queryable, ref: string, { features, ...plain }: UpdateStorageBody) =>
  db.run(sql`
    update control.project_settings
    set storage = storage || ${JSON.stringify(plain)}::jsonb || jsonb_build_object(
      'features', coalesce(storage -> 'features', '{}') || ${JSON.stringify(features ?? {})}::jsonb
    )
    where ref = ${ref}`)
