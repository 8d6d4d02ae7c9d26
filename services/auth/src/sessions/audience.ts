import type { AuthContext } from '../context.ts'

const DEFAULT_AUDIENCE = 'authenticated'

/** The audience a request without a token is for: GoTrue keeps users of different audiences apart. */
export const requestAudience = (ctx: AuthContext): string => ctx.audienceHeader ?? DEFAULT_AUDIENCE
