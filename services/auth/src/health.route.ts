import { route } from './route.ts'

/** The version of GoTrue whose dialect this is; some clients look at it. */
const VERSION = 'v2.196.0'

export const healthRoute = route({
  operation: 'auth.health',
  method: 'GET',
  path: '/health',
  access: 'open',
  handle: async () => ({
    status: 200,
    body: {
      version: VERSION,
      name: 'GoTrue',
      description: 'GoTrue is a user registration and authentication API',
    },
  }),
})
