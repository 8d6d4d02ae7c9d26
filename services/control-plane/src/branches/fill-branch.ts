import { createSecret } from '@favo/tokens'
import { sql } from '@favo/postgres'
import type { Platform } from '../platform.ts'
import type { StepNotes } from '../projects/create-project.ts'

interface Source {
  /** The parent's database. */
  readonly database: string
  readonly withData: boolean
}

/**
 * Makes a branch's database: a copy of its parent's, or an empty one. Requests to the parent wait while it is copied. The
 * owner's password is known to nobody: it is reset where one is wanted.
 */
export async function makeBranchDatabase(
  platform: Platform,
  database: string,
  source: Source,
  steps: Pick<StepNotes, 'note'>,
): Promise<void> {
  const ownerPassword = createSecret(24)
  if (!source.withData) {
    await platform.tenancy.createDatabase({ database, ownerPassword, onStep: (step) => steps.note(step) })
    return
  }
  let release: () => void = () => undefined
  try {
    await platform.tenancy.cloneDatabase({
      source: source.database,
      database,
      ownerPassword,
      onStep: (step) => steps.note(step),
      onHeld: async () => {
        release = await platform.pools.holdDatabase(source.database)
      },
      onReleased: () => release(),
    })
  } finally {
    release()
  }
  await endSessionsOfUsers(platform, database)
}

/** People stay; what keeps them signed in at the parent, or is on its way to them by mail, is worth nothing in the branch. */
async function endSessionsOfUsers(platform: Platform, database: string): Promise<void> {
  const auth = platform.pools
    .forDatabase(database)
    .asService('supabase_auth_admin', 'sessions of the parent end in a branch')
  await auth.transaction(async (tx) => {
    for (const table of [
      'sessions',
      'refresh_tokens',
      'one_time_tokens',
      'flow_state',
      'mfa_challenges',
      'webauthn_challenges',
      'saml_relay_states',
      'oauth_client_states',
      'oauth_authorizations',
    ])
      await tx.run(sql`delete from ${sql.ident('auth', table)}`)
    await tx.run(sql`
      update auth.users set confirmation_token = '', recovery_token = '', email_change_token_new = '',
        email_change_token_current = '', phone_change_token = '', reauthentication_token = ''
      where '' <> any (array[confirmation_token, recovery_token, email_change_token_new, email_change_token_current,
        phone_change_token, reauthentication_token])`)
  })
}
