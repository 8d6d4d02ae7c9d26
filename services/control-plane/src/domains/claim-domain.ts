import { DatabaseError } from '@favo/postgres'
import { createSecret } from '@favo/tokens'
import { audited } from '../audit/audited.ts'
import { ControlError, controlErrors } from '../errors.ts'
import type { ControlContext } from '../context.ts'
import type { Addresses, Platform } from '../platform.ts'
import {
  insertDomain,
  isOwnedByAnother,
  listDomains,
  noteUnverified,
  noteVerified,
  type DomainRow,
} from './domains.sql.ts'

const DOMAINS_MAX = 20

export const domainErrors = {
  notFound: () => new ControlError(404, 'domain_not_found', 'The project has no such domain.'),
  taken: (hostname: string) =>
    new ControlError(
      409,
      'domain_taken',
      `${hostname} is in use for another project. It has to be removed there first.`,
    ),
  ours: (hostname: string) =>
    new ControlError(422, 'domain_reserved', `${hostname} belongs to the platform itself.`),
  tooMany: () => new ControlError(422, 'too_many_domains', `A project has ${DOMAINS_MAX} domains at most.`),
  notVerified: (hostname: string, record: string) =>
    new ControlError(
      409,
      'domain_not_verified',
      `${hostname} is not verified. Make the TXT record ${record}, then verify it.`,
    ),
}

/** The record that proves who owns a name. */
export const recordName = (hostname: string): string => `_favo-challenge.${hostname}`

/**
 * Notes that a project wants a name. Anybody may want any; it is his when he has proved it. Throws for names of the
 * platform's own, and for names of which another project has proved that they are its.
 */
export async function claimDomain(
  ctx: ControlContext,
  ref: string,
  hostname: string,
  isCustomHostname: boolean,
): Promise<DomainRow> {
  if (isPlatforms(ctx.addresses, hostname)) throw domainErrors.ours(hostname)
  if (await isOwnedByAnother(ctx.db, ref, hostname)) throw domainErrors.taken(hostname)
  const present = await listDomains(ctx.db, ref)
  if (present.length >= DOMAINS_MAX && !present.some((domain) => domain.hostname === hostname))
    throw domainErrors.tooMany()
  const other = present.find((domain) => domain.is_custom_hostname && domain.hostname !== hostname)
  if (isCustomHostname && other !== undefined)
    throw controlErrors.invalid(`The project has the custom hostname ${other.hostname}. Delete it first.`)
  return audited(ctx, (tx) => insertDomain(tx, { ref, hostname, token: createSecret(32), isCustomHostname }))
}

/** Looks for the TXT record. What it finds is in the row: its status, or its error. Throws 409 when another was quicker. */
export async function verifyDomain(
  ctx: ControlContext,
  domain: DomainRow,
  then: 'verified' | 'active',
): Promise<DomainRow> {
  const problem = await findProblem(ctx, domain)
  if (problem !== null) return audited(ctx, (tx) => noteUnverified(tx, domain.id, problem))
  try {
    return await audited(ctx, (tx) => noteVerified(tx, domain.id, then))
  } catch (error) {
    if (error instanceof DatabaseError && error.constraint === 'domains_owner_key')
      throw domainErrors.taken(domain.hostname)
    throw error
  }
}

async function findProblem(platform: Platform, { hostname, token }: DomainRow): Promise<string | null> {
  const name = recordName(hostname)
  try {
    const records = await platform.resolveTxt(name)
    // A long text comes in parts.
    if (records.some((parts) => parts.join('') === token)) return null
    return `the TXT record of ${name} has another value`
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    return code === 'ENOTFOUND' || code === 'ENODATA'
      ? `there is no TXT record ${name}`
      : `the name servers of ${hostname} did not answer`
  }
}

function isPlatforms(addresses: Addresses, hostname: string): boolean {
  const domain = new URL(addresses.projectUrl('x')).hostname.slice(2)
  return (
    hostname === domain ||
    hostname.endsWith(`.${domain}`) ||
    hostname === new URL(addresses.apiUrl).hostname ||
    hostname.endsWith('.localhost')
  )
}
