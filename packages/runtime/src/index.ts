export * from './config.ts'
export * from './home.ts'
export * from './logger.ts'
