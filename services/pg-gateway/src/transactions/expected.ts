import type { Rewritten } from '../interposing/rewrite.ts'

/** One message that was sent to a backend, and whose answer has not come. */
export interface Expected {
  /** `query`, `call` and `sync` are answered up to a ReadyForQuery. */
  readonly kind: 'parse' | 'bind' | 'describe' | 'execute' | 'close' | 'sync' | 'query' | 'call'
  /** The gateway's own: the answer is not for the client. */
  readonly isSilent?: boolean
  /** The backend was not asked: this is the answer, when its turn has come. */
  readonly answer?: Buffer
  /** When the backend did not do it, because it or something before it failed. */
  readonly undo?: () => void
  /** What the client is told instead of the backend's error. */
  readonly error?: Buffer
  readonly rewritten?: Rewritten | null
  /** Stands in for another statement: the command tag that the client gets, and what to do when it succeeded. */
  readonly tag?: string
  readonly onDone?: () => void
}

export const endsGroup = ({ kind }: Expected): boolean =>
  kind === 'sync' || kind === 'query' || kind === 'call'
