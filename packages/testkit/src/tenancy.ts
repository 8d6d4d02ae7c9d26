import { migrations as authMigrations } from '@favo/auth'
import { superuser } from '@favo/cluster'
import { silentLogger } from '@favo/runtime'
import { createTenancy, type Tenancy } from '@favo/tenancy'
import { loginPassword, SecretBox } from '@favo/tokens'
import type { ClusterAccess } from './cluster.ts'

/** The product's own tenancy on a test cluster. */
export function createTestTenancy(cluster: ClusterAccess): Tenancy {
  const box = new SecretBox(Buffer.from(cluster.masterKey, 'hex'))
  return createTenancy({
    admin: { endpoint: cluster.endpoint, user: superuser, password: cluster.password },
    // As apps/server has it; not imported from there, so that tests of one service load that service only.
    migrations: [authMigrations],
    passwordFor: (database, login) => loginPassword(box, database, login),
    log: silentLogger(),
  })
}
