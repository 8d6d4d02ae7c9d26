export { createAccountClient, type AccountClient } from './account-client.ts'
export { createClient, type ControlClient } from './client.ts'
export { ApiError, UnreachableError, type ClientOptions, type Fetch } from './request.ts'
