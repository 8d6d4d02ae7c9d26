declare module 'fastify' {
  interface FastifyContextConfig {
    /** Dotted and stable name of what the route does (`auth.sign_up`): the same in logs, metrics, limits and audit. */
    operation?: string
  }
}

/** Header in which services name the error they answer with, for the log line (GoTrue's own name for it). */
export const ERROR_CODE_HEADER = 'x-sb-error-code'
