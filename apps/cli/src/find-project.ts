import type { ControlClient } from '@favo/client'
import type { ProjectDetails } from '@favo/contracts'
import { CommandError } from './terminal.ts'

/** By ref, else by subdomain, else by name if just one project has it. Throws a CommandError that says what there is. */
export async function findProject(client: ControlClient, wanted: string): Promise<ProjectDetails> {
  const projects = await client.listProjects()
  const byRef = projects.find(({ ref }) => ref === wanted)
  if (byRef !== undefined) return byRef
  // A project that never came up holds its subdomain no longer.
  const bySubdomain = projects.find(
    ({ subdomain, status }) => subdomain === wanted && status !== 'INIT_FAILED',
  )
  if (bySubdomain !== undefined) return bySubdomain
  const [only, ...others] = projects.filter(({ name }) => name === wanted)
  if (only !== undefined && others.length === 0) return only
  if (only !== undefined)
    throw new CommandError(
      `Several projects are called ${wanted}; name one by its ref: ${[only, ...others].map(({ ref }) => ref).join(', ')}`,
    )
  throw new CommandError(
    projects.length === 0
      ? `There is no project ${wanted}. Make one with: npx favo projects create NAME`
      : `There is no project ${wanted}. See what there is with: npx favo projects list`,
  )
}
