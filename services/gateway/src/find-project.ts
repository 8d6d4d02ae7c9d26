import type { Found, Project, ProjectDirectory } from '@favo/projects'
import { isRef, peekClaims, sha256Hex } from '@favo/tokens'
import type { Address } from './address.ts'
import { refusals, type Refusal } from './errors.ts'

/** Looks where host or path point; only when they name no project, the key does. Whether the key is good is not asked here. */
export function findProject(directory: ProjectDirectory, address: Address, key: string | null): Found {
  if (address.kind === 'host') return directory.findByLabel(address.label)
  if (address.kind === 'path') return directory.findByRef(address.ref)
  if (address.kind === 'nowhere' || key === null) return null
  if (key.startsWith('sb_')) return directory.findByKeyHash(sha256Hex(key))
  const ref = peekClaims(key)?.ref
  return typeof ref === 'string' && isRef(ref) ? directory.findByRef(ref) : null
}

/** Why a project that exists cannot be talked to now; null when it can. */
export function statusRefusal(project: Project): Refusal | null {
  switch (project.status) {
    case 'ACTIVE_HEALTHY':
      return null
    case 'INACTIVE':
    case 'PAUSING':
      return refusals.pausedProject
    case 'COMING_UP':
    case 'RESTORING':
    case 'RESTARTING':
      return refusals.projectComingUp
    case 'INIT_FAILED':
      return refusals.projectFailed
    case 'GOING_DOWN':
    case 'REMOVED':
      return refusals.unknownProject
  }
}
