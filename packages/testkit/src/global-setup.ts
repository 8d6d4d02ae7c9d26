import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { startCluster, type ClusterAccess } from './cluster.ts'
import { preparedFolder } from './prepared-home.ts'
import { removeAbandoned } from './scratch.ts'
import { createTestTenancy } from './tenancy.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    cluster: ClusterAccess & { readonly runId: string }
  }
}

/** One throwaway cluster for the run, with the template database made, so that no test file waits for it. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned()
  const cluster = await startCluster()
  const tenancy = createTestTenancy(cluster)
  await tenancy.prepare()
  await tenancy.close()
  const { endpoint, password, masterKey } = cluster
  const runId = randomBytes(6).toString('hex')
  provide('cluster', { endpoint, password, masterKey, runId })
  return async () => {
    await cluster.stop()
    await rm(preparedFolder(runId), { recursive: true, force: true })
  }
}
