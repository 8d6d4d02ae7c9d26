import { sql } from '@favo/postgres'
import type { Admin } from './admin.ts'
import { clusterLock, withLock } from './locks.ts'
import type { MigrationSet } from './migrations.ts'

/** Labels and closed doors. Runs at every start; changes nothing where nothing drifted. */
export async function setUpCluster(admin: Admin, migrations: MigrationSet): Promise<void> {
  await admin.session((session) =>
    withLock(session, clusterLock, 'exclusive', async () => {
      for (const file of migrations.cluster) await session.run(sql.trusted(file.text))
    }),
  )
}
