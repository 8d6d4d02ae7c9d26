/** What a person sees when the platform is up. */
export function renderBanner(facts: {
  readonly apiUrl: string
  readonly domain: string
  readonly port: number
  readonly databasePorts: { readonly session: number; readonly transaction: number }
  readonly home: string
  readonly startMs: number
  readonly projects: number
}): string {
  const next =
    facts.projects === 0
      ? 'npx favo projects create demo'
      : `npx favo projects list      (${facts.projects} project${facts.projects === 1 ? '' : 's'} here)`
  return `
  Favo is up, after ${(facts.startMs / 1000).toFixed(1)} s.

    Control API   ${facts.apiUrl}
    Projects      http://<ref>.${facts.domain}:${facts.port}   or   ${facts.apiUrl}/p/<ref>
    Postgres      port ${facts.databasePorts.session}, and ${facts.databasePorts.transaction} for many clients (transaction mode)
    Data          ${facts.home}

  Next, in another terminal:

    ${next}

  Ctrl-C stops it.
`
}
