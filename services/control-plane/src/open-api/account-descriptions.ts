import {
  AccessToken,
  AuditPage,
  Cluster,
  ClusterCheck,
  CreatedAccessToken,
  Invitation,
  Organization,
  OrganizationDetails,
  OrganizationMember,
  PlatformInfo,
  PlatformUser,
  Profile,
} from '@favo/contracts'
import { z } from 'zod'
import type { Descriptions } from './descriptions.ts'

/** People, organizations and the platform. */
export const accountDescriptions: Descriptions = {
  'organizations.list': {
    summary: 'Organizations that you are a member of.',
    response: z.array(Organization),
  },
  'organizations.create': { summary: 'Makes an organization that you own.', response: Organization },
  'organizations.get': { summary: 'One organization.', response: OrganizationDetails },
  'organizations.update': { summary: 'Renames an organization.', response: Organization },
  'organizations.delete': { summary: 'Deletes an organization without projects.', response: Organization },
  'organizations.transfer_ownership': {
    summary: 'Makes another member an owner.',
    response: OrganizationMember,
  },
  'profile.get': { summary: 'Who you are.', response: Profile },
  'members.list': {
    summary: 'Members of an organization and their roles.',
    response: z.array(OrganizationMember),
  },
  'members.update': { summary: 'Gives a member another role.', response: OrganizationMember },
  'members.remove': {
    summary: 'Removes a member, or leaves; the last owner cannot.',
    response: OrganizationMember,
  },
  'invitations.list': { summary: 'Invitations that were not accepted yet.', response: z.array(Invitation) },
  'invitations.create': { summary: 'Invites somebody by mail.', response: Invitation },
  'invitations.resend': { summary: 'Sends an invitation again.', response: Invitation },
  'invitations.withdraw': { summary: 'Takes an invitation back.', response: Invitation },
  'invitations.list_own': { summary: 'Invitations for you.', response: z.array(Invitation) },
  'invitations.accept': { summary: 'Accepts an invitation by the token of its mail.', response: z.unknown() },
  'audit.list': {
    summary: 'What was changed in an organization, by whom, newest first.',
    response: AuditPage,
  },
  'audit.export': { summary: 'The same as a file, a record to a line.', response: z.unknown() },
  'audit.list_all': {
    summary: 'What was changed anywhere on the platform, newest first.',
    response: AuditPage,
  },
  'audit.export_all': { summary: 'The same as a file, a record to a line.', response: z.unknown() },
  'users.list': { summary: 'All people of the platform.', response: z.array(PlatformUser) },
  'users.update': {
    summary: 'Makes somebody an administrator of the platform, or no longer one.',
    response: PlatformUser,
  },
  'platform.get': {
    summary: 'The platform’s own project, where its people sign in.',
    response: PlatformInfo,
  },
  'clusters.list': { summary: 'Postgres servers that hold projects.', response: z.array(Cluster) },
  'clusters.add': {
    summary: 'Takes a Postgres server in, if it is one that projects can be kept apart on.',
    response: Cluster,
  },
  'clusters.check_url': {
    summary: 'What would have to be changed at a server before it is taken in.',
    response: ClusterCheck,
  },
  'clusters.check': { summary: 'What has to be changed at a server.', response: ClusterCheck },
  'clusters.remove': { summary: 'Lets go of a server without projects.', response: Cluster },
  'access_tokens.list': {
    summary: 'Your tokens, without themselves, and when they were last used.',
    response: z.array(AccessToken),
  },
  'access_tokens.create': {
    summary: 'Makes a token, which is shown this once.',
    response: CreatedAccessToken,
  },
  'access_tokens.revoke': { summary: 'Revokes a token, at once.', response: AccessToken },
}
