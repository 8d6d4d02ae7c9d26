import { superuser } from '@favo/cluster'
import { silentLogger } from '@favo/runtime'
import { allMigrations, loginPassword } from '@favo/server'
import { createTenancy, type Tenancy } from '@favo/tenancy'
import { SecretBox } from '@favo/tokens'
import type { ClusterAccess } from './cluster.ts'

/** The product's own tenancy on a test cluster. */
export function createTestTenancy(cluster: ClusterAccess): Tenancy {
  const box = new SecretBox(Buffer.from(cluster.masterKey, 'hex'))
  return createTenancy({
    admin: { endpoint: cluster.endpoint, user: superuser, password: cluster.password },
    migrations: allMigrations,
    passwordFor: (database, login) => loginPassword(box, database, login),
    log: silentLogger(),
  })
}
