import type { ServerResponse } from 'node:http'

/**
 * Aborted when the client goes away before it has the whole answer. Costs about a microsecond, so it is made only for
 * those who ask; asked after the client has gone, it comes aborted.
 */
export function createClientSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  const abortUnlessFinished = () => {
    if (!response.writableFinished) controller.abort(new Error('the client has gone'))
  }
  if (response.destroyed) abortUnlessFinished()
  else response.once('close', abortUnlessFinished)
  return controller.signal
}
