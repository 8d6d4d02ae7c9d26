import type { Service } from '@favo/http'
import type { GatewayConfig } from './config.ts'

/** What `/` tells somebody who has just found a port that answers. */
export function describePlatform(
  { domain, publicUrl }: GatewayConfig,
  services: readonly Service[],
  controlPlane: { readonly prefix: string } | undefined,
) {
  const { protocol, port } = new URL(publicUrl)
  return {
    name: 'Favo',
    about:
      'Isolated, Supabase-compatible projects. This is the platform; each project has addresses of its own.',
    project_urls: [`${protocol}//<ref>.${domain}${port === '' ? '' : `:${port}`}`, `${publicUrl}/p/<ref>`],
    services: services.map(({ prefix }) => prefix),
    management_api: controlPlane?.prefix ?? null,
    health: '/health',
    next: 'npx favo projects create demo',
  }
}
