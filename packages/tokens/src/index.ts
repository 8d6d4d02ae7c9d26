export * from './jwt.ts'
export * from './keys.ts'
export * from './secret-box.ts'
export * from './logins.ts'
