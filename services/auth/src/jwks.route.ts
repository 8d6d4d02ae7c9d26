import { publicJwks } from '@favo/tokens'
import { route } from './route.ts'

/** The public keys of the project, for whoever verifies its tokens without asking. */
export const jwksRoute = route({
  operation: 'auth.jwks',
  method: 'GET',
  path: '/.well-known/jwks.json',
  access: 'open',
  handle: async ({ project }) => ({
    status: 200,
    headers: { 'cache-control': 'public, max-age=600' },
    body: { keys: publicJwks(project.signingKeys ?? []) },
  }),
})
