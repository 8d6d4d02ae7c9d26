import { adminSsoRoutes } from './admin-sso.route.ts'
import { samlAcsRoute, samlMetadataRoute, ssoRoute } from './sso.route.ts'

export const ssoRoutes = [ssoRoute, samlMetadataRoute, samlAcsRoute, ...adminSsoRoutes]
