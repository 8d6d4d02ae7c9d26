export interface GatewayConfig {
  /** Projects answer at `<ref>.<domain>` and `<subdomain>.<domain>`. Lower-case, no port. */
  readonly domain: string
  /** How clients reach the platform from outside: `http://127.0.0.1:8000`, no slash at the end. */
  readonly publicUrl: string
  /** Largest body, for services that set no limit of their own on a route. */
  readonly bodyLimitBytes: number
  /**
   * Proxies (addresses or CIDR) whose `X-Forwarded-For`, `-Host` and `-Proto` are believed. Empty: nobody's, and the
   * headers are ignored.
   */
  readonly trustedProxies: readonly string[]
  /** Request line and all headers together. PostgREST filters with long lists live in the URL. */
  readonly headerLimitBytes: number
  /** For the request line and headers to arrive. A client that dribbles them is cut off. */
  readonly headersTimeoutMs: number
  /** For the whole request to arrive, body included. */
  readonly requestTimeoutMs: number
  /** An idle connection is kept this long; longer than proxies in front keep theirs (60 s is common), so that they close first. */
  readonly keepAliveTimeoutMs: number
  /** How long closing waits for requests underway. */
  readonly closeGraceMs: number
}

export const defaultGatewayConfig = {
  bodyLimitBytes: 10 * 1024 * 1024,
  trustedProxies: [],
  headerLimitBytes: 32 * 1024,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 72_000,
  closeGraceMs: 10_000,
} as const satisfies Partial<GatewayConfig>
