import {
  Addons,
  AvailableRegions,
  AvailableRegionsQuery,
  Backups,
  Logs,
  Snippets,
  SnippetsQuery,
  UpgradeEligibility,
} from '@favo/contracts'
import { readServerVersions } from '../clusters/clusters.sql.ts'
import { controlErrors } from '../errors.ts'
import type { Permission } from '../permissions/permission.ts'
import { getProject } from '../projects/get-project.ts'
import { route, type Route } from '../route.ts'

/**
 * What clients of the Management API ask for on their way and a platform of one's own has little to say about. The answers
 * are true and let the client go on; what could only be pretended answers 501 with a sentence.
 */

const reads: Permission = { scope: 'project', role: 'read_only', grant: 'projects:read' }
const administers: Permission = { scope: 'project', role: 'administrator', grant: 'projects:write' }

const refuse = (operation: string, method: Route['method'], path: string, sentence: string): Route =>
  route({
    operation,
    method,
    path,
    permission: administers,
    summary: `Answers 501: ${sentence}`,
    handle: () => Promise.reject(controlErrors.notAvailable(sentence)),
  })

/** In the form for failures that this endpoint has: clients show it, and take no status for a passing overload. */
const logs = (operation: string, path: string): Route =>
  route({
    operation,
    method: 'GET',
    path,
    permission: { scope: 'project', role: 'read_only', grant: 'analytics:read' },
    summary: 'This platform keeps no logs of projects, and says so.',
    response: Logs,
    handle: async (ctx, { params }): Promise<Logs> => {
      await getProject(ctx, params.ref)
      return {
        error: 'This platform keeps no logs of projects; the server’s own log has one line per request.',
      }
    },
  })

const here = { name: 'This platform', code: 'local' }
const everywhere: AvailableRegions = {
  recommendations: {
    smartGroup: { ...here, type: 'smartGroup' },
    specific: [{ ...here, type: 'specific', provider: 'FAVO' }],
  },
  all: {
    smartGroup: [{ ...here, type: 'smartGroup' }],
    specific: [{ ...here, type: 'specific', provider: 'FAVO' }],
  },
}

export const factRoutes: readonly Route[] = [
  route({
    operation: 'projects.list_regions',
    method: 'GET',
    path: '/projects/available-regions',
    permission: { scope: 'account', grant: 'projects:read' },
    summary: 'Where projects can be: here. Any other region that a client names is noted and has no effect.',
    query: AvailableRegionsQuery,
    response: AvailableRegions,
    handle: () => Promise.resolve(everywhere),
  }),
  route({
    operation: 'billing.list_addons',
    method: 'GET',
    path: '/projects/:ref/billing/addons',
    permission: reads,
    summary: 'Nothing is sold per project, so there is nothing to select.',
    response: Addons,
    handle: async (ctx, { params }): Promise<Addons> => {
      await getProject(ctx, params.ref)
      return { selected_addons: [], available_addons: [] }
    },
  }),
  route({
    operation: 'backups.list',
    method: 'GET',
    path: '/projects/:ref/database/backups',
    permission: { scope: 'project', role: 'read_only', grant: 'database:read' },
    summary: 'The platform takes no backups of its own yet, so none are listed.',
    response: Backups,
    handle: async (ctx, { params }): Promise<Backups> => ({
      region: (await getProject(ctx, params.ref)).region,
      walg_enabled: false,
      pitr_enabled: false,
      backups: [],
      physical_backup_data: {},
    }),
  }),
  refuse(
    'backups.restore_pitr',
    'POST',
    '/projects/:ref/database/backups/restore-pitr',
    'This platform takes no backups of its own, so there is no earlier state to go back to.',
  ),
  route({
    operation: 'projects.get_upgrade_eligibility',
    method: 'GET',
    path: '/projects/:ref/upgrade/eligibility',
    permission: reads,
    summary: 'The version of Postgres is the cluster’s, and changes with it.',
    response: UpgradeEligibility,
    handle: async (ctx, { params }): Promise<UpgradeEligibility> => {
      const { database } = await getProject(ctx, params.ref)
      const version = (await readServerVersions(ctx.db))(database)
      return {
        eligible: false,
        current_app_version: version,
        current_app_version_release_channel: 'ga',
        latest_app_version: version,
        target_upgrade_versions: [],
        duration_estimate_hours: 0,
        legacy_auth_custom_roles: [],
        objects_to_be_dropped: [],
        unsupported_extensions: [],
        user_defined_objects_in_internal_schemas: [],
        validation_errors: [],
        warnings: [],
      }
    },
  }),
  refuse(
    'projects.upgrade',
    'POST',
    '/projects/:ref/upgrade',
    'The version of Postgres is the cluster’s; the operator upgrades all projects together.',
  ),
  route({
    operation: 'snippets.list',
    method: 'GET',
    path: '/snippets',
    permission: { scope: 'account', grant: 'database:read' },
    summary: 'SQL that is kept in the dashboard; this platform keeps none.',
    query: SnippetsQuery,
    response: Snippets,
    handle: () => Promise.resolve({ data: [] }),
  }),
  route({
    operation: 'snippets.get',
    method: 'GET',
    path: '/snippets/:id',
    permission: { scope: 'account', grant: 'database:read' },
    summary: 'Answers 404: this platform keeps no snippets.',
    handle: () => Promise.reject(controlErrors.snippetNotFound()),
  }),
  refuse(
    'pgsodium.get',
    'GET',
    '/projects/:ref/pgsodium',
    'This platform has no pgsodium; its secrets are sealed with the operator’s master key.',
  ),
  refuse(
    'pgsodium.update',
    'PUT',
    '/projects/:ref/pgsodium',
    'This platform has no pgsodium; its secrets are sealed with the operator’s master key.',
  ),
  logs('logs.query', '/projects/:ref/analytics/endpoints/logs'),
  logs('logs.query_all', '/projects/:ref/analytics/endpoints/logs.all'),
]
