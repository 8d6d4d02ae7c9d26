export { createClient, type ControlClient } from './client.ts'
export { ApiError, UnreachableError, type ClientOptions } from './request.ts'
