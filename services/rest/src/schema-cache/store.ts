import { LRUCache } from 'lru-cache'
import type { ProjectDb } from '@favo/postgres'
import type { Project, RestSettings } from '@favo/projects'
import { KnownReads } from '../known-reads.ts'
import { loadSnapshot, type Snapshot } from './load.ts'
import { ReloadBudget } from './reload-budget.ts'

/** A project's snapshot and what was planned upon it; both go together. */
export interface Entry<Planned extends object> {
  readonly snapshot: Snapshot
  /** By the request's shape. */
  readonly plans: LRUCache<string, Planned>
  readonly reads: KnownReads<Planned>
}

interface Slot<Planned extends object> {
  readonly rest: RestSettings
  readonly entry: Promise<Entry<Planned>>
  /** The same, when it is there. */
  loaded: Entry<Planned> | null
  /** Something changed since. */
  isStale: boolean
  /** When it may be read again, by performance.now(); infinite while it is being read. */
  renewableAt: number
}

const PROJECTS_MAX = 1_000
/** Over all projects; an object takes about 300 bytes. */
const OBJECTS_MAX = 1_000_000
/** A single project counts for no more, or its snapshot could not be kept at all. */
const OBJECTS_PER_PROJECT_MAX = 250_000
const PLANS_PER_PROJECT_MAX = 500
/** Reading may take this share of the time: whoever changes a schema in a loop is served what was read before. */
const READING_SHARE = 0.1

/**
 * Snapshots of the projects that somebody is talking to. A snapshot is read once, whoever asks meanwhile waits for the
 * same reading; `NOTIFY pgrst` makes it stale, the loss of the connection that listens drops it.
 */
export class SchemaStore<Planned extends object> {
  readonly #slots = new LRUCache<string, Slot<Planned>>({ max: PROJECTS_MAX, maxSize: OBJECTS_MAX })
  readonly #listening = new Map<string, Promise<void>>()
  readonly #reloads = new ReloadBudget()

  /** At once where it has been read, which is nearly always. */
  get(project: Project, db: ProjectDb): Entry<Planned> | Promise<Entry<Planned>> {
    const slot = this.#slots.get(project.database)
    const isGood =
      slot !== undefined &&
      slot.rest === project.rest &&
      !(slot.isStale && performance.now() >= slot.renewableAt)
    return isGood ? (slot.loaded ?? slot.entry) : this.#load(project, db)
  }

  /**
   * A newer entry than `stale`, for a request that missed something in it; null when the project has had as many such
   * reloads as it may: then the miss is final.
   */
  async newerThan(stale: Entry<Planned>, project: Project, db: ProjectDb): Promise<Entry<Planned> | null> {
    const current = await this.#slots.get(project.database)?.entry
    if (current !== undefined && current !== stale) return current
    return this.#reloads.take(project.database) ? this.#load(project, db) : null
  }

  #load(project: Project, db: ProjectDb): Promise<Entry<Planned>> {
    const { database, rest } = project
    const startedAt = performance.now()
    const entry = this.#listen(database, db)
      .then(() => loadSnapshot(db, rest))
      .then((snapshot) => {
        const readAt = performance.now()
        slot.renewableAt = readAt + (readAt - startedAt) / READING_SHARE
        if (this.#slots.peek(database) === slot) this.#slots.set(database, slot, { size: sizeOf(snapshot) })
        slot.loaded = {
          snapshot,
          plans: new LRUCache<string, Planned>({ max: PLANS_PER_PROJECT_MAX }),
          reads: new KnownReads<Planned>(),
        }
        return slot.loaded
      })
    const slot: Slot<Planned> = { rest, entry, loaded: null, isStale: false, renewableAt: Infinity }
    this.#slots.set(database, slot, { size: 1 })
    // A failed reading is not kept; the next request tries again.
    entry.catch(() => {
      if (this.#slots.peek(database) === slot) this.#slots.delete(database)
    })
    return entry
  }

  /** Before the reading, so that no change falls between. */
  #listen(database: string, db: ProjectDb): Promise<void> {
    const known = this.#listening.get(database)
    if (known !== undefined) return known
    const changed = () => {
      const slot = this.#slots.peek(database)
      if (slot !== undefined) slot.isStale = true
    }
    const forget = () => {
      this.#listening.delete(database)
      this.#slots.delete(database)
    }
    const listening = db.listen('pgrst', changed, forget)
    this.#listening.set(database, listening)
    listening.catch(forget)
    return listening
  }
}

function sizeOf({ schema }: Snapshot): number {
  let objects = 1 + schema.routines.size
  for (const table of schema.tables.values()) objects += 1 + table.columns.size
  for (const list of schema.relationships.values()) objects += list.length
  return Math.min(objects, OBJECTS_PER_PROJECT_MAX)
}
