export { startEmbedded, superuser, type EmbeddedCluster, type EmbeddedOptions } from './embedded.ts'
export { findFreePort, isPortFree } from './ports.ts'
export { isAlive, poll, stopLeftover } from './postmaster.ts'
