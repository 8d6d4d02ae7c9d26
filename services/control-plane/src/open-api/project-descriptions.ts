import {
  Branch,
  BranchActionReply,
  BranchConfig,
  CreatedProject,
  CustomHostname,
  DeletedProject,
  Domain,
  NetworkBans,
  NetworkRestrictions,
  PatchedNetworkRestrictions,
  PlatformAddresses,
  PostgresSettings,
  ProjectConnection,
  ProjectDetails,
  ProjectHistoryEntry,
  ProjectStatusReport,
  RemovedProject,
  ServiceHealth,
} from '@favo/contracts'
import { z } from 'zod'
import type { Descriptions } from './descriptions.ts'

/** Without what only `projects.get` says of the database. */
const Project = ProjectDetails.omit({ database: true })
const VanitySubdomain = z.object({ status: z.string(), custom_domain: z.string().optional() })
const Message = z.object({ message: z.string() })

/** Life, addresses and branches of projects. */
export const projectDescriptions: Descriptions = {
  'projects.list': { summary: 'The projects that you may see.', response: z.array(ProjectDetails) },
  'projects.create': {
    summary: 'Makes a project; answers when it is up, with its password and keys, which are shown this once.',
    response: CreatedProject,
  },
  'projects.get': { summary: 'One project.', response: ProjectDetails },
  'projects.get_connection': {
    summary: 'Addresses and keys for an application; the database password is masked.',
    response: ProjectConnection,
  },
  'projects.pause': { summary: 'Closes a project; its data stays.', response: Project },
  'projects.restore': {
    summary: 'Opens a paused project, or brings back a removed one.',
    response: Project,
  },
  'projects.delete': {
    summary: 'Removes a project; it can be restored until the time that is answered.',
    response: DeletedProject,
  },
  'projects.get_health': {
    summary: 'Whether the services of a project answer.',
    response: z.array(ServiceHealth),
  },
  'platform.get_addresses': {
    summary: 'Where projects and databases of this platform are found.',
    response: PlatformAddresses,
  },
  'projects.update': {
    summary: 'Renames a project, or gives it another subdomain.',
    response: ProjectDetails,
  },
  'projects.restart': {
    summary: 'Ends all connections of a project and opens it anew.',
    response: Project,
  },
  'projects.list_removed': {
    summary: 'Projects that can still be restored.',
    response: z.array(RemovedProject),
  },
  'projects.get_status': {
    summary: 'What state a project is in, and at which step.',
    response: ProjectStatusReport,
  },
  'projects.list_history': {
    summary: 'What has happened to a project, step by step.',
    response: z.array(ProjectHistoryEntry),
  },
  'projects.reset_password': {
    summary: 'Sets the password of the database’s owner; open sessions stay.',
    response: Message,
  },
  'projects.transfer': { summary: 'Moves a project to another organization.', response: Project },
  'postgres_settings.get': {
    summary: 'Settings of Postgres that are not the default’s.',
    response: PostgresSettings,
  },
  'postgres_settings.update': {
    summary: 'Sets the whole of them: what is left out returns to its default.',
    response: PostgresSettings,
  },
  'network.get_restrictions': {
    summary: 'Networks from which the database can be reached.',
    response: NetworkRestrictions,
  },
  'network.apply_restrictions': {
    summary: 'Sets the networks from which the database can be reached.',
    response: NetworkRestrictions,
  },
  'network.patch_restrictions': {
    summary: 'Adds networks, or takes some away.',
    response: PatchedNetworkRestrictions,
  },
  'network.list_bans': { summary: 'Addresses that failed to sign in too often.', response: NetworkBans },
  'network.remove_bans': { summary: 'Lets such addresses try again.', response: Message },
  'branches.list': { summary: 'Branches of a project, itself first.', response: z.array(Branch) },
  'branches.create': {
    summary:
      'Makes a branch, empty or with data; with data, requests to the parent are held while it is copied, longer the larger it is.',
    response: Branch,
  },
  'branches.disable': { summary: 'Deletes all branches of a project.', response: Message },
  'branches.get_by_name': { summary: 'One branch of a project.', response: Branch },
  'branches.get_config': { summary: 'How to reach the database of a branch.', response: BranchConfig },
  'branches.update': { summary: 'Renames a branch, or changes how long it lives.', response: Branch },
  'branches.delete': { summary: 'Deletes a branch.', response: Message },
  'branches.restore': { summary: 'Brings back a deleted branch.', response: Message },
  'branches.diff': { summary: 'The SQL that a merge would run.', response: z.string() },
  'branches.merge': {
    summary: 'Applies the branch’s new migrations to its parent.',
    response: BranchActionReply,
  },
  'branches.push': {
    summary: 'Applies the parent’s new migrations to the branch.',
    response: BranchActionReply,
  },
  'branches.reset': { summary: 'Makes the branch’s database anew.', response: BranchActionReply },
  'domains.list': {
    summary: 'Domains of a project, and what their owner has to do.',
    response: z.array(Domain),
  },
  'domains.add': { summary: 'Claims a domain for a project.', response: Domain },
  'domains.verify': {
    summary: 'Looks up whether the domain’s owner has confirmed the claim.',
    response: Domain,
  },
  'domains.remove': { summary: 'Gives a domain up.', response: Domain },
  'custom_hostname.get': {
    summary: 'The project’s domain as Supabase’s CLI asks for it.',
    response: CustomHostname,
  },
  'custom_hostname.initialize': {
    summary: 'Claims a domain, in place of the one before.',
    response: CustomHostname,
  },
  'custom_hostname.reverify': {
    summary: 'Looks up whether the claim is confirmed.',
    response: CustomHostname,
  },
  'custom_hostname.activate': { summary: 'Serves the project at its domain.', response: CustomHostname },
  'custom_hostname.delete': { summary: 'Gives the domain up.', response: Message },
  'vanity_subdomain.get': { summary: 'The chosen subdomain.', response: VanitySubdomain },
  'vanity_subdomain.check_availability': {
    summary: 'Whether a subdomain is free.',
    response: z.object({ available: z.boolean() }),
  },
  'vanity_subdomain.activate': {
    summary: 'Serves the project at a chosen subdomain.',
    response: z.object({ custom_domain: z.string() }),
  },
  'vanity_subdomain.deactivate': { summary: 'Gives the chosen subdomain up.', response: Message },
}
