import { AuthError } from '../errors.ts'

/** What goes wrong with hooks, in GoTrue's words (auth internal/hooks@bc32168). */
export const hookErrors = {
  timeout: (seconds: number, cause?: unknown) =>
    new AuthError(
      422,
      'hook_timeout',
      `Failed to reach hook within maximum time of ${seconds.toFixed(6)} seconds`,
      { cause },
    ),
  unreachable: (cause: unknown) =>
    new AuthError(422, 'hook_timeout_after_retry', 'Failed to reach hook after maximum retries', { cause }),
  noContentType: () =>
    new AuthError(
      400,
      'hook_payload_invalid_content_type',
      'Invalid Content-Type: Missing Content-Type header',
    ),
  wrongContentType: (given: string) =>
    new AuthError(
      400,
      'hook_payload_invalid_content_type',
      `Invalid JSON response. Received content-type: ${given}`,
    ),
  tooLarge: (bytesMax: number) =>
    new AuthError(
      422,
      'hook_payload_over_size_limit',
      `Payload size exceeded size limit of ${bytesMax} bytes`,
    ),
  failed: (message: string, cause?: unknown) => new AuthError(500, 'unexpected_failure', message, { cause }),
  /** What the hook itself refused, with the status it chose. */
  refused: (status: number, message: string) =>
    new AuthError(status, status === 500 ? 'unexpected_failure' : 'unknown', message),
} as const
