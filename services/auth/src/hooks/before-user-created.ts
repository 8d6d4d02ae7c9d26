import type { Queryable } from '@favo/postgres'
import type { AuthContext } from '../context.ts'
import type { NewUser } from '../users/users.sql.ts'
import { runHook } from './run-hook.ts'

// Go's zero time: the user is not there yet.
const NEVER = '0001-01-01T00:00:00Z'

/** Lets the project's hook refuse a user who is about to be made. Throws what it answers. */
export async function askBeforeCreating(ctx: AuthContext, tx: Queryable, user: NewUser): Promise<void> {
  await runHook(
    ctx,
    'beforeUserCreated',
    {
      user: {
        id: user.id,
        aud: user.audience,
        role: user.role,
        email: user.email ?? '',
        phone: user.phone ?? '',
        app_metadata: user.appMetadata,
        user_metadata: user.userMetadata,
        identities: [],
        created_at: NEVER,
        updated_at: NEVER,
        is_anonymous: user.isAnonymous,
      },
    },
    tx,
  )
}
