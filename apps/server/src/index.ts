export { allMigrations, startPlatform, type Platform, type PlatformOptions } from './platform.ts'
export { startServer, type Server } from './server.ts'
