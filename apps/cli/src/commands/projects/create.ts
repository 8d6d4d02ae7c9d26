import { connect } from '../../connect.ts'
import type { CreateOptions } from '../../program.ts'
import { printJson, type Terminal } from '../../terminal.ts'
import { renderConnection } from './render-connection.ts'

export async function createProject(terminal: Terminal, name: string, options: CreateOptions): Promise<void> {
  const client = await connect(terminal)
  const startedAt = performance.now()
  const { connection } = await client.createProject({
    name,
    organization_slug: options.organization,
    subdomain: options.subdomain,
    ref: options.ref,
    jwt_secret: options.jwtSecret,
    db_pass: options.dbPassword,
    ...(options.cluster === undefined ? {} : { cluster: options.cluster }),
  })
  if (options.json === true) return printJson(terminal, connection)
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(2)
  terminal.out(`Project ${connection.name} is up, after ${seconds} s.\n\n${renderConnection(connection)}
The database password is in that URL and is not shown again.

Next:
  npx favo db push --project ${connection.ref}     apply the supabase/ folder here
  npx favo projects get ${connection.ref}          see this again
`)
}
