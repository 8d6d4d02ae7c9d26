import type { TestProject } from 'vitest/node'
import { startCluster, type ClusterAccess } from './cluster.ts'
import { createTestTenancy } from './tenancy.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    cluster: ClusterAccess
  }
}

/** One throwaway cluster for the run, with the template database made, so that no test file waits for it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const cluster = await startCluster()
  const tenancy = createTestTenancy(cluster)
  await tenancy.prepare()
  await tenancy.close()
  provide('cluster', { endpoint: cluster.endpoint, password: cluster.password, masterKey: cluster.masterKey })
  return () => cluster.stop()
}
