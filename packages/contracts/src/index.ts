/** The shapes of `/v1`, used by the control plane that answers it and the client that calls it. */
export * from './access-tokens.ts'
export * from './api-keys.ts'
export * from './database.ts'
export * from './errors.ts'
export * from './organizations.ts'
export * from './projects.ts'
export * from './settings.ts'
export * from './sign-in-settings.ts'
