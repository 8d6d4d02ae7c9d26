export {
  controlMigrations,
  createControlPlane,
  type ControlPlane,
  type ControlPlaneDeps,
} from './control-plane.ts'
export type { Addresses } from './platform.ts'
