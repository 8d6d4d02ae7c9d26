export * from './context.ts'
export * from './service.ts'
