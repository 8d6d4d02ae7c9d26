import { ProjectConfig } from '@favo/contracts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'
import { loadProjectConfig } from './project-config.ts'

/** In `/v2`. */
export const projectConfigRoutes: readonly Route[] = [
  route({
    operation: 'settings.get_all',
    method: 'GET',
    path: '/projects/:ref/config',
    permission: { scope: 'project', role: 'read_only', grant: 'projects:read' },
    summary: 'All settings of a project, as the CLI compares them with config.toml.',
    response: ProjectConfig,
    handle: async (ctx, { params }) => loadProjectConfig(ctx, await getProject(ctx, params.ref)),
  }),
]
