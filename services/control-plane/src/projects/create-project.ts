import type { CreateProjectBody } from '@favo/contracts'
import { DatabaseError, type Queryable } from '@favo/postgres'
import { createApiKey, createRef, createSecret, createSlug, sha256Hex } from '@favo/tokens'
import { databaseNameOn } from '@favo/tenancy'
import type { Audit } from '../audit/audit-entry.ts'
import { reopenParent } from '../branches/reopen-parent.ts'
import { findClusterRow } from '../clusters/clusters.sql.ts'
import { controlErrors, reasonOf } from '../errors.ts'
import { findOrganization } from '../organizations/organizations.sql.ts'
import type { Platform } from '../platform.ts'
import { secretContexts } from './project-secrets.ts'
import {
  finishChange,
  insertProject,
  setChangeAudit,
  setStep,
  type NewApiKey,
  type ProjectRow,
} from './projects.sql.ts'
import { proposeSubdomain } from './subdomain.ts'

export interface CreatedProjectResult {
  readonly row: ProjectRow
  /** The only moment at which it is known. */
  readonly databasePassword: string
}

/**
 * Claims ref and subdomain, makes the database, and resolves when the project is up. When a step fails, what was made is
 * removed again and the row stays, INIT_FAILED with the reason, until it is deleted or its ref is used again.
 */
export async function createProject(
  platform: Platform,
  input: CreateProjectBody & { readonly id?: string },
  audit?: Audit,
): Promise<CreatedProjectResult> {
  const organizationId = input.organization_slug ?? input.organization_id ?? 'default'
  const organization = await findOrganization(platform.db, organizationId)
  if (organization === null) throw controlErrors.organizationNotFound()

  const cluster = input.cluster === undefined ? 0 : (await findClusterRow(platform.db, input.cluster))?.number
  if (cluster === undefined) throw controlErrors.clusterNotFound()
  const databasePassword = input.db_pass ?? createSecret(24)
  const row = await reserve(platform, input, organization.id, cluster, async (tx, { ref, name }) => {
    audit?.note({ projectRef: ref, organizationId: organization.id, after: { name } })
    if (audit !== undefined) await setChangeAudit(tx, ref, audit.carry())
  })
  const created = await bringUp(platform, row, () => makeDatabase(platform, row, databasePassword))
  return { row: created, databasePassword }
}

/** Does the work of a creation whose row is there, and marks its end; when it fails, removes what it made. */
export const bringUp = (
  platform: Platform,
  row: ProjectRow,
  make: () => Promise<void>,
): Promise<ProjectRow> =>
  platform.running.track(row.id, async () => {
    try {
      await make()
      if (!(await finishChange(platform.db, row, 'ACTIVE_HEALTHY')))
        throw new Error('another process took this creation for an orphan and rolled it back')
    } catch (error) {
      platform.log.error({ project: row.ref, error }, 'project creation failed')
      await rollBack(platform, row, reasonOf(error)).catch((failure: unknown) => {
        platform.log.warn({ project: row.ref, error: failure }, 'roll-back failed; the sweep will carry on')
      })
      throw controlErrors.changeFailed('created', error)
    }
    return { ...row, status: 'ACTIVE_HEALTHY', step: null, instance: null }
  })

/** Removes what a creation made and says so in the row. Also for creations whose process is gone. */
export async function rollBack(platform: Platform, row: ProjectRow, reason: string): Promise<void> {
  await reopenParent(platform, row.ref)
  await platform.pools.closeDatabase(row.database)
  await platform.tenancy.dropDatabase(row.database)
  await finishChange(platform.db, row, 'INIT_FAILED', reason)
}

/** Claims ref and subdomain; `also` writes what belongs into the same transaction. */
export async function reserve(
  platform: Platform,
  input: CreateProjectBody & { readonly id?: string },
  organizationId: string,
  cluster: number,
  also: (tx: Queryable, row: ProjectRow) => Promise<void> = () => Promise.resolve(),
): Promise<ProjectRow> {
  // What the caller chose may be taken; what we chose is chosen anew.
  for (let attempt = 0; ; attempt++) {
    const ref = input.ref ?? createRef()
    const subdomain = input.subdomain ?? proposeSubdomain(input.name, organizationId, attempt)
    const jwtSecret = input.jwt_secret ?? createSecret(48)
    const project = {
      ref,
      ...(input.id === undefined ? {} : { id: input.id }),
      organizationId,
      name: input.name,
      subdomain,
      database: databaseNameOn(`p_${createSlug()}`, cluster),
      region: input.region ?? 'local',
      instance: platform.instance.number,
      jwtSecretSealed: platform.secretBox.seal(jwtSecret, secretContexts.jwtSecret(ref)),
      keys: [createKey(platform, ref, 'publishable'), createKey(platform, ref, 'secret')],
    }
    try {
      return await platform.db.transaction(async (tx) => {
        const row = await insertProject(tx, project)
        await also(tx, row)
        return row
      })
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      const isLast = attempt >= 5
      if (error.constraint === 'projects_pkey' && (input.ref !== undefined || isLast))
        throw controlErrors.refTaken(ref)
      if (error.constraint === 'projects_subdomain_key' && (input.subdomain !== undefined || isLast))
        throw controlErrors.subdomainTaken(subdomain)
      if (error.constraint === 'projects_subdomain_free' && (input.subdomain !== undefined || isLast))
        throw controlErrors.subdomainReserved(subdomain)
      if (isLast || !(error.constraint ?? '').startsWith('projects_')) throw error
    }
  }
}

export function createKey(
  platform: Pick<Platform, 'secretBox'>,
  ref: string,
  type: 'publishable' | 'secret',
): NewApiKey {
  const key = createApiKey(type)
  const hash = sha256Hex(key)
  return {
    type,
    name: 'default',
    prefix: key.slice(0, `sb_${type}_`.length + 5),
    hash,
    sealed: platform.secretBox.seal(key, secretContexts.apiKey(ref, hash)),
  }
}

async function makeDatabase(platform: Platform, row: ProjectRow, ownerPassword: string): Promise<void> {
  const steps = new StepNotes(platform, row)
  await platform.tenancy.createDatabase({
    database: row.database,
    ownerPassword,
    onStep: (step) => steps.note(step),
  })
  await steps.settle()
}

/** Writes the newest step into the row without holding the work up: steps that pass while one is written are skipped. */
export class StepNotes {
  readonly #platform: Platform
  readonly #row: ProjectRow
  #next: string | null = null
  #writing: Promise<void> | null = null

  constructor(platform: Platform, row: ProjectRow) {
    this.#platform = platform
    this.#row = row
  }

  note(step: string): void {
    this.#next = step
    this.#writing ??= this.#write().finally(() => (this.#writing = null))
  }

  /** Nothing may be written after the end of the change; a step that was not begun to be written never is. */
  async settle(): Promise<void> {
    this.#next = null
    await this.#writing
  }

  async #write(): Promise<void> {
    while (this.#next !== null) {
      const step = this.#next
      this.#next = null
      // Only a courtesy to people who watch: creation itself must not fail on it.
      await setStep(this.#platform.db, this.#row, step).catch(() => undefined)
    }
  }
}
