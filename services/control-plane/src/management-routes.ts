import { advisorRoutes } from './advisors/advisors.routes.ts'
import { editApiKeyRoutes } from './api-keys/edit-api-keys.routes.ts'
import { cliLoginRoutes } from './cli-logins/cli-logins.routes.ts'
import { functionRoutes } from './functions/functions.routes.ts'
import { singleMigrationRoutes } from './owner-sql/migration.routes.ts'
import { factRoutes } from './project-config/facts.routes.ts'
import { poolerRoutes } from './project-config/pooler.routes.ts'
import { projectConfigRoutes } from './project-config/project-config.routes.ts'
import { storageConfigRoutes } from './project-config/storage-config.routes.ts'
import type { Route } from './route.ts'
import { secretRoutes } from './secrets/secrets.routes.ts'
import { typeRoutes } from './types/types.routes.ts'

/** What Supabase's CLI and MCP server ask beside projects, keys and SQL. */
export const managementRoutes: readonly Route[] = [
  ...secretRoutes,
  ...editApiKeyRoutes,
  ...functionRoutes,
  ...storageConfigRoutes,
  ...poolerRoutes,
  ...cliLoginRoutes,
  ...factRoutes,
  ...typeRoutes,
  ...advisorRoutes,
  ...singleMigrationRoutes,
]

export const managementRoutesV2: readonly Route[] = [...projectConfigRoutes]
