import { linkIdentityRoute, unlinkIdentityRoute } from './link-identity.route.ts'
import { authorizeRoute, callbackRoute, postedCallbackRoute } from './sign-in-elsewhere.route.ts'

export const signInElsewhereRoutes = [
  authorizeRoute,
  callbackRoute,
  postedCallbackRoute,
  linkIdentityRoute,
  unlinkIdentityRoute,
]
