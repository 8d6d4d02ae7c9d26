export {
  controlMigrations,
  createControlPlane,
  type ControlPlane,
  type ControlPlaneDeps,
} from './control-plane.ts'
export type { Addresses } from './platform.ts'
export type { InvitationMail, PlatformMailer } from './outbox/outbox.ts'
export type { ClusterTools } from './clusters/cluster-keeper.ts'
