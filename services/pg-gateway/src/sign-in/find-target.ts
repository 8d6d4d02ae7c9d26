import type { Project, ProjectDirectory } from '@favo/projects'
import { loginRoleOf } from '@favo/tenancy'
import { isRef } from '@favo/tokens'
import type { Startup } from '../protocol/startup-packet.ts'

/** Of which project, and as which role of the cluster, somebody wants to sign in. */
export interface Target {
  readonly project: Project
  readonly role: string
  /** As the customer calls the role. */
  readonly name: string
}

/**
 * The project is named by the user (`postgres.<ref>`), by the server name of TLS (`<ref>.…` or `db.<ref>.…`), or by
 * `options=reference=<ref>`; the user comes first. Null when there is no such project.
 */
export async function findTarget(
  directory: Pick<ProjectDirectory, 'findByRef' | 'findByLabel'>,
  startup: Startup,
  serverName: string | null,
): Promise<Target | null> {
  const at = startup.user.lastIndexOf('.')
  const ref = startup.user.slice(at + 1)
  if (at > 0 && isRef(ref)) return targetOf(await directory.findByRef(ref), startup.user.slice(0, at))

  if (startup.reference !== null)
    return isRef(startup.reference)
      ? targetOf(await directory.findByRef(startup.reference), startup.user)
      : null
  const label = labelOf(serverName)
  return label === null ? null : targetOf(await directory.findByLabel(label), startup.user)
}

function targetOf(project: Project | null, name: string): Target | null {
  return project === null ? null : { project, role: loginRoleOf(project.database, name), name }
}

function labelOf(serverName: string | null): string | null {
  const [first = '', second = '', ...rest] = serverName?.toLowerCase().split('.') ?? []
  const label = first === 'db' && rest.length > 0 ? second : first
  return /^[a-z0-9-]{1,63}$/.test(label) && second !== '' ? label : null
}
