import type { Logger } from '@favo/runtime'
import type { Actor } from './access-tokens/authenticate.ts'
import type { Platform } from './platform.ts'

/** One request to `/v1`. */
export interface ControlContext extends Platform {
  readonly requestId: string
  readonly actor: Actor
  readonly log: Logger
  /** Aborted when the client has gone. Changes of a project go on; owner SQL is cancelled. */
  readonly signal: AbortSignal
}
