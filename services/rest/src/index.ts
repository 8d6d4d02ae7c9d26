export { createRest } from './service.ts'
