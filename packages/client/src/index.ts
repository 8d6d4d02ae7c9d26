export { createClient, type ControlClient } from './client.ts'
export { ApiError, UnreachableError, type ClientOptions, type Fetch } from './request.ts'
