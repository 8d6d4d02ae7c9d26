import { LRUCache } from 'lru-cache'
import { isRef } from '@favo/tokens'
import type { DirectorySource } from './directory-source.ts'
import type { Found, Project, ProjectDirectory } from './project.ts'

/** Unknown refs, labels and keys are remembered too, but briefly: guesses must not reach the database each time. */
const unknownTtlMs = 5_000
/** A bound on how long a lost change notice can matter. */
const knownTtlMs = 60_000
/** How old the caches' idea of the time may be: with the default of 1 ms each request sets a timer. */
const clockMs = 1_000

/**
 * A directory over a cache of `max` projects. The source says when a project has changed, and that entry goes at once;
 * answers that were under way while the change came, or come while no changes are heard of, are used but not kept. Look-ups for the same thing share one query.
 */
export function createDirectory(source: DirectorySource, options: { max?: number } = {}): ProjectDirectory {
  const max = options.max ?? 10_000
  const projects = new LRUCache<string, Project>({ max, ttl: knownTtlMs, ttlResolution: clockMs })
  // Label or key hash → ref. Dropped with the project, and checked against it when used.
  const aliases = new LRUCache<string, string>({ max: max * 2, ttl: knownTtlMs, ttlResolution: clockMs })
  const unknown = new LRUCache<string, true>({ max, ttl: unknownTtlMs })
  const underWay = new Map<string, Promise<Project | null>>()
  let generation = 0

  source.onChange((ref) => {
    generation += 1
    // A new or renamed project may be one that was asked for in vain.
    unknown.clear()
    underWay.clear()
    if (ref === null) {
      projects.clear()
      aliases.clear()
    } else projects.delete(ref)
  })

  /** The cached project of a label or key, when it still answers to it. */
  const cached = (key: string, answersTo: (project: Project) => boolean): Project | null => {
    const ref = aliases.get(key)
    const project = ref === undefined ? undefined : projects.get(ref)
    return project !== undefined && answersTo(project) ? project : null
  }

  const load = (key: string, query: () => Promise<Project | null>): Promise<Project | null> => {
    const same = underWay.get(key)
    if (same !== undefined) return same
    const asked = generation
    const answer = query().then(
      (project) => {
        if (underWay.get(key) === answer) underWay.delete(key)
        if (asked !== generation || !source.isFollowing()) return project
        if (project === null) unknown.set(key, true)
        else {
          projects.set(project.ref, project)
          aliases.set(key, project.ref)
        }
        return project
      },
      (error: unknown) => {
        if (underWay.get(key) === answer) underWay.delete(key)
        throw error
      },
    )
    underWay.set(key, answer)
    return answer
  }

  const find = (
    key: string,
    answersTo: (project: Project) => boolean,
    query: () => Promise<Project | null>,
  ): Found => {
    const project = cached(key, answersTo)
    if (project !== null) return project
    return unknown.has(key) ? null : load(key, query)
  }

  const findByRef = (ref: string): Found => {
    const project = projects.get(ref)
    if (project !== undefined) return project
    return unknown.has(`ref:${ref}`) ? null : load(`ref:${ref}`, () => source.loadByRef(ref))
  }

  return {
    findByRef,
    // No subdomain looks like a ref, so a label is one or the other.
    findByLabel: (label) =>
      isRef(label)
        ? findByRef(label)
        : find(
            `label:${label}`,
            (project) => project.subdomain === label,
            () => source.loadBySubdomain(label),
          ),
    findByDomain: (hostname) =>
      find(
        `domain:${hostname}`,
        (project) => project.domains?.includes(hostname) === true,
        () => source.loadByDomain(hostname),
      ),
    findByKeyHash: (hash) =>
      find(
        `key:${hash}`,
        (project) => project.apiKeys.some((key) => key.hash === hash),
        () => source.loadByKeyHash(hash),
      ),
  }
}
