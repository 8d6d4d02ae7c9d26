import {
  AccessToken,
  Branch,
  BranchActionReply,
  CliLogin,
  Domain,
  NetworkBans,
  NetworkRestrictions,
  PlatformAddresses,
  ProjectStatusReport,
  RemovedProject,
  ApiKey,
  CreatedAccessToken,
  CreatedProject,
  DeletedProject,
  Migration,
  Organization,
  PostgrestConfig,
  Profile,
  ProjectConnection,
  ProjectDetails,
  QueryRows,
  Seed,
  ServiceHealth,
  SslEnforcement,
  type ApplyMigrationBody,
  type ApplyNetworkRestrictionsBody,
  type ApplySeedBody,
  type CreateAccessTokenBody,
  type CreateBranchBody,
  type UpdateProjectBody,
  type CreateProjectBody,
  type RunQueryBody,
  type UpdatePostgrestBody,
} from '@favo/contracts'
import { z } from 'zod'
import { send, type ClientOptions } from './request.ts'

const part = encodeURIComponent
const ignored = z.unknown()

export type ControlClient = ReturnType<typeof createClient>

/** The control plane's `/v1`, a function per operation. All throw `ApiError` or `UnreachableError`. */
export function createClient(options: ClientOptions) {
  const get = <T>(path: string, reply: z.ZodType<T>) => send(options, { method: 'GET', path, reply })
  const write = <T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    reply: z.ZodType<T>,
    body?: unknown,
  ) => send(options, { method, path, reply, body })
  const project = (ref: string) => `/projects/${part(ref)}`

  return {
    getProfile: () => get('/profile', Profile),
    getPlatformAddresses: () => get('/addresses', PlatformAddresses),
    listOrganizations: () => get('/organizations', z.array(Organization)),

    listProjects: () => get('/projects', z.array(ProjectDetails)),
    getProject: (ref: string) => get(project(ref), ProjectDetails),
    /** Resolves when the project is up, or rejects with the step that failed. */
    createProject: (body: CreateProjectBody) => write('POST', '/projects', CreatedProject, body),
    /** Restorable for as long as the platform keeps it; `isForGood` leaves no such time. */
    deleteProject: (ref: string, isForGood = false) =>
      write('DELETE', `${project(ref)}${isForGood ? '?for_good=true' : ''}`, DeletedProject),
    updateProject: (ref: string, body: UpdateProjectBody) => write('PATCH', project(ref), ignored, body),
    restartProject: (ref: string) => write('POST', `${project(ref)}/restart`, ignored),
    getStatus: (ref: string) => get(`${project(ref)}/status`, ProjectStatusReport),
    listRemovedProjects: () => get('/removed-projects', z.array(RemovedProject)),
    resetDatabasePassword: (ref: string, password: string) =>
      write('PATCH', `${project(ref)}/database/password`, ignored, { password }),

    listBranches: (ref: string) => get(`${project(ref)}/branches`, z.array(Branch)),
    createBranch: (ref: string, body: CreateBranchBody) =>
      write('POST', `${project(ref)}/branches`, Branch, body),
    deleteBranch: (branch: string) => write('DELETE', `/branches/${part(branch)}`, ignored),
    /** Resolves when it is done, with the versions that were applied. */
    runBranchAction: (branch: string, action: 'merge' | 'push' | 'reset', upTo?: string) =>
      write('POST', `/branches/${part(branch)}/${action}`, BranchActionReply, {
        ...(upTo === undefined ? {} : { migration_version: upTo }),
      }),

    /** The SQL that a merge would run. */
    diffBranch: (branch: string) =>
      send(options, {
        method: 'GET',
        path: `/branches/${part(branch)}/diff`,
        reply: z.string(),
        isText: true,
      }),

    getNetworkRestrictions: (ref: string) => get(`${project(ref)}/network-restrictions`, NetworkRestrictions),
    applyNetworkRestrictions: (ref: string, body: ApplyNetworkRestrictionsBody) =>
      write('POST', `${project(ref)}/network-restrictions/apply`, NetworkRestrictions, body),
    listNetworkBans: (ref: string) => write('POST', `${project(ref)}/network-bans/retrieve`, NetworkBans),
    removeNetworkBans: (ref: string, addresses: readonly string[]) =>
      write('DELETE', `${project(ref)}/network-bans`, ignored, { ipv4_addresses: addresses }),
    getPostgresSettings: (ref: string) =>
      get(`${project(ref)}/config/database/postgres`, z.record(z.string(), z.unknown())),
    /** The whole set: what is left out returns to its default. */
    setPostgresSettings: (ref: string, settings: Readonly<Record<string, unknown>>) =>
      write('PUT', `${project(ref)}/config/database/postgres`, ignored, settings),
    getSslEnforcement: (ref: string) => get(`${project(ref)}/ssl-enforcement`, SslEnforcement),
    setSslEnforcement: (ref: string, database: boolean) =>
      write('PUT', `${project(ref)}/ssl-enforcement`, SslEnforcement, { requestedConfig: { database } }),

    listDomains: (ref: string) => get(`${project(ref)}/domains`, z.array(Domain)),
    addDomain: (ref: string, hostname: string) =>
      write('POST', `${project(ref)}/domains`, Domain, { hostname }),
    verifyDomain: (ref: string, hostname: string) =>
      write('POST', `${project(ref)}/domains/${part(hostname)}/verify`, Domain),
    removeDomain: (ref: string, hostname: string) =>
      write('DELETE', `${project(ref)}/domains/${part(hostname)}`, Domain),

    /** A login for the database that expires. */
    createCliLogin: (ref: string, isReadOnly: boolean) =>
      write('POST', `${project(ref)}/cli/login-role`, CliLogin, { read_only: isReadOnly }),
    pauseProject: (ref: string) => write('POST', `${project(ref)}/pause`, ignored),
    restoreProject: (ref: string) => write('POST', `${project(ref)}/restore`, ignored),
    getConnection: (ref: string) => get(`${project(ref)}/connection`, ProjectConnection),
    getHealth: (ref: string, services: readonly string[]) =>
      get(`${project(ref)}/health?services=${part(services.join(','))}`, z.array(ServiceHealth)),
    listApiKeys: (ref: string) => get(`${project(ref)}/api-keys?reveal=true`, z.array(ApiKey)),
    getPostgrestConfig: (ref: string) => get(`${project(ref)}/postgrest`, PostgrestConfig),
    updatePostgrestConfig: (ref: string, body: UpdatePostgrestBody) =>
      write('PATCH', `${project(ref)}/postgrest`, PostgrestConfig, body),

    /** The settings as they are after it: by their names a caller sees which were known. */
    updateAuthConfig: (ref: string, body: Readonly<Record<string, unknown>>) =>
      write('PATCH', `${project(ref)}/config/auth`, z.record(z.string(), z.unknown()), body),

    runQuery: (ref: string, body: RunQueryBody) =>
      write('POST', `${project(ref)}/database/query`, QueryRows, body),
    listMigrations: (ref: string) => get(`${project(ref)}/database/migrations`, z.array(Migration)),
    applyMigration: (ref: string, body: ApplyMigrationBody) =>
      write('POST', `${project(ref)}/database/migrations`, ignored, body),
    /** Only the history: the migration's SQL is not run. */
    recordMigration: (ref: string, body: ApplyMigrationBody) =>
      write('PUT', `${project(ref)}/database/migrations`, ignored, body),
    listSeeds: (ref: string) => get(`${project(ref)}/database/seeds`, z.array(Seed)),
    applySeed: (ref: string, body: ApplySeedBody) =>
      write('PUT', `${project(ref)}/database/seeds`, ignored, body),

    createAccessToken: (body: CreateAccessTokenBody) =>
      write('POST', '/access-tokens', CreatedAccessToken, body),
    listAccessTokens: () => get('/access-tokens', z.array(AccessToken)),
    revokeAccessToken: (id: string) => write('DELETE', `/access-tokens/${part(id)}`, AccessToken),
  }
}
