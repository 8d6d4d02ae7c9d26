import type { FastifyPluginAsync } from 'fastify'
import type { Project } from '@favo/projects'
import type { ProjectDb } from '@favo/postgres'

/** SQL files of a service that belong in every project's database, applied in order of their names by the platform. */
export interface SchemaMigrations {
  /** Recorded with each applied file: `auth`. */
  readonly component: string
  /** Absolute path of the folder that holds `0001_….sql`. */
  readonly directory: string
}

/** What a service hands to `apps/server`, which mounts it under a prefix of the gateway. */
export interface Service {
  /** For example `/rest/v1`. */
  readonly prefix: string
  /** Routes relative to the prefix. `request.favo` is there. */
  readonly routes: FastifyPluginAsync
  /** Path patterns below the prefix that need no API key. */
  readonly openPaths?: readonly RegExp[]
  /**
   * Rejects when the service could not serve this project now. Asked by the project's `/health`, after the database has
   * answered; a service without it is as healthy as the database.
   */
  checkHealth?(target: {
    readonly project: Project
    readonly db: ProjectDb
    readonly signal: AbortSignal
  }): Promise<void>
  close(): Promise<void>
}
