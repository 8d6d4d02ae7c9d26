export {
  controlMigrations,
  createControlPlane,
  type ControlPlane,
  type ControlPlaneDeps,
} from './control-plane.ts'
export type { Addresses } from './platform.ts'
export type { InvitationMail, PlatformMailer } from './outbox/outbox.ts'
