/** OAuth's own form of a refusal: `{error, error_description}`. */
export class OAuthError extends Error {
  readonly error: string
  readonly status: number
  constructor(error: string, description: string, options: { status?: number; cause?: unknown } = {}) {
    super(description, { cause: options.cause })
    this.name = 'OAuthError'
    this.error = error
    this.status = options.status ?? 400
  }
}
