import type { AuthContext } from '../context.ts'

/** To whom browsers bind credentials. */
export interface RelyingParty {
  readonly id: string
  readonly name: string
  readonly origins: readonly string[]
}

/** What the project set; else its site. Null when neither says. */
export function findRelyingParty({ settings, project }: AuthContext): RelyingParty | null {
  const site = URL.parse(settings.siteUrl)
  const id = settings.webAuthnRpId ?? site?.hostname ?? ''
  const origins =
    settings.webAuthnRpOrigins.length > 0 ? settings.webAuthnRpOrigins : [site?.origin ?? 'null']
  if (id === '' || origins.includes('null')) return null
  return { id, name: settings.webAuthnRpDisplayName ?? project.name, origins }
}
