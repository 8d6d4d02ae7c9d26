import {
  AuditPage,
  Cluster,
  ClusterCheck,
  Invitation,
  Organization,
  OrganizationMember,
  PlatformInfo,
  PlatformUser,
  type AddClusterBody,
  type CreateInvitationBody,
  type ListAuditQuery,
  type OrganizationRole,
} from '@favo/contracts'
import { z } from 'zod'
import { send, type ClientOptions } from './request.ts'

const part = encodeURIComponent

export type AccountClient = ReturnType<typeof createAccountClient>

/** People, organizations, members, invitations, the audit log, and for the operator clusters. All throw `ApiError` or `UnreachableError`. */
export function createAccountClient(options: ClientOptions) {
  const get = <T>(path: string, reply: z.ZodType<T>) => send(options, { method: 'GET', path, reply })
  const write = <T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, reply: z.ZodType<T>, body?: unknown) =>
    send(options, { method, path, reply, body })
  const organization = (slug: string) => `/organizations/${part(slug)}`
  const member = (slug: string, userId: string) => `${organization(slug)}/members/${part(userId)}`

  return {
    getPlatform: () => get('/platform', PlatformInfo),

    listUsers: () => get('/users', z.array(PlatformUser)),
    setPlatformAdministrator: (id: string, isOne: boolean) =>
      write('PATCH', `/users/${part(id)}`, PlatformUser, { is_platform_administrator: isOne }),

    createOrganization: (name: string) => write('POST', '/organizations', Organization, { name }),
    renameOrganization: (slug: string, name: string) =>
      write('PATCH', organization(slug), Organization, { name }),
    deleteOrganization: (slug: string) => write('DELETE', organization(slug), Organization),
    transferOwnership: (slug: string, userId: string) =>
      write('POST', `${organization(slug)}/transfer-ownership`, OrganizationMember, { user_id: userId }),
    transferProject: (ref: string, targetSlug: string) =>
      write('POST', `/projects/${part(ref)}/transfer`, z.unknown(), { target_organization_slug: targetSlug }),

    listMembers: (slug: string) => get(`${organization(slug)}/members`, z.array(OrganizationMember)),
    setMemberRole: (slug: string, userId: string, role: OrganizationRole) =>
      write('PATCH', member(slug, userId), OrganizationMember, { role }),
    removeMember: (slug: string, userId: string) => write('DELETE', member(slug, userId), OrganizationMember),

    listInvitations: (slug: string) => get(`${organization(slug)}/invitations`, z.array(Invitation)),
    createInvitation: (slug: string, body: CreateInvitationBody) =>
      write('POST', `${organization(slug)}/invitations`, Invitation, body),
    withdrawInvitation: (slug: string, id: string) =>
      write('DELETE', `${organization(slug)}/invitations/${part(id)}`, Invitation),
    listOwnInvitations: () => get('/invitations', z.array(Invitation)),
    acceptInvitation: (token: string) => write('POST', '/invitations/accept', OrganizationMember, { token }),

    listClusters: () => get('/clusters', z.array(Cluster)),
    addCluster: (body: AddClusterBody) => write('POST', '/clusters', Cluster, body),
    removeCluster: (name: string) => write('DELETE', `/clusters/${part(name)}`, Cluster),
    checkCluster: (name: string) => write('POST', `/clusters/${part(name)}/check`, ClusterCheck),
    /** Of a server that is no cluster of the platform's yet; changes nothing. */
    checkServer: (url: string) => write('POST', '/clusters/check', ClusterCheck, { url }),

    /** Of one organization; of the whole platform (for its administrators) when `slug` is null. */
    listAuditLog: (slug: string | null, query: Partial<ListAuditQuery> = {}) => {
      const text = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
      ).toString()
      const path = slug === null ? '/audit-log' : `${organization(slug)}/audit-log`
      return get(text === '' ? path : `${path}?${text}`, AuditPage)
    },
  }
}
