export { adminUrl, startCluster, type ClusterAccess, type TestCluster } from './cluster.ts'
export { createTestProject, type TestProject } from './project.ts'
export { startService, type TestService } from './service.ts'
export { createTestTenancy } from './tenancy.ts'
