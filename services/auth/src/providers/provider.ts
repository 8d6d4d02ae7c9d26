import type { Profile } from './profile.ts'

export interface ProviderStart {
  /** Where the browser goes. */
  readonly url: string
  /** Kept until the browser comes back, and told to nobody: a PKCE verifier, or OAuth 1's token secret. */
  readonly secret: string | null
}

export interface ProviderFinish {
  readonly profile: Profile
  readonly accessToken: string
  readonly refreshToken: string
}

/** One provider as a project has set it up. */
export interface Provider {
  readonly emailOptional: boolean
  /** `extra` is what the client wants passed on; `state` comes back with the browser. */
  start(state: string, extra: ReadonlyMap<string, string>): Promise<ProviderStart>
  /** From what the browser brought back, who it is. Throws AuthError or OAuthError. */
  finish(returned: URLSearchParams, secret: string | null): Promise<ProviderFinish>
}
