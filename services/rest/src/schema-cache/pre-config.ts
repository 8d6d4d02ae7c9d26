import { DatabaseError, quoteIdent, type ProjectDb, type Step } from '@favo/postgres'
import { functionName, settingNames, type RoleSetting } from '../settings.ts'
import { arrayLiteral } from '../parse/literals.ts'

/** A function that holds up the reading of a schema holds up everybody. */
const DEADLINE_MS = 3_000

/**
 * What the project's own function (`pgrst.db_pre_config`) sets, as PostgREST 14 reads it (`Config/Database.hs`): run as
 * `authenticator`, before what is stored for that role. A function that fails sets nothing.
 */
export async function readPreConfig(db: ProjectDb, stored: readonly RoleSetting[]): Promise<RoleSetting[]> {
  const role = 'authenticator'
  const called = stored.find((setting) => setting.role === role && setting.name === 'pgrst.db_pre_config')
  const name = functionName(called?.value)
  if (name === null) return []
  const step = (text: string, ...values: string[]): Step => ({ text, values, plan: null })
  const reading = db.pipeline('api', {
    isRead: true,
    transaction: { readOnly: true, end: 'rollback' },
    deadlineMs: DEADLINE_MS,
    steps: [
      step(`select set_config('search_path', '', true), set_config('role', $1, true)`, role),
      step(
        `select name, current_setting(name, true) from unnest($1::text[]) name
        join ${name.map(quoteIdent).join('.')}() _ on true`,
        arrayLiteral(settingNames.map((setting) => `pgrst.${setting}`)),
      ),
    ],
  })
  const [, found] = await reading.catch((error: unknown) => {
    // What says who may come in must not be missing because a connection was.
    if (!(error instanceof DatabaseError)) throw error
    return []
  })
  return (found?.rows ?? []).flatMap(([key, value]) =>
    key == null || value == null ? [] : [{ role, name: key.toString(), value: value.toString() }],
  )
}
