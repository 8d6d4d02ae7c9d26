export { migrations } from './migrations.ts'
export { createAuth, type AuthDeps, type AuthService } from './service.ts'
export type { MailMarks } from './outbox/mail-marks.ts'
export type { PasswordsOptions } from './passwords/passwords.ts'
