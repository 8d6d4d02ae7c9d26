import { homedir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** Where things lie below `FAVO_HOME`. The folder `secrets` and the run file are readable by the operator only. */
export interface Home {
  readonly directory: string
  /** Binaries, data and socket of the embedded Postgres. */
  readonly postgres: string
  /** Mode 0700; files of mode 0600. */
  readonly secrets: string
  /** What a running platform tells the command line: `{ pid, api_url, admin_url }`. */
  readonly runFile: string
  /** Held open by the running platform, so that a second one does not start on the same data. */
  readonly lockSocket: string
  readonly bootstrapToken: string
}

/** `FAVO_HOME`, default `~/.favo`, as root `/var/lib/favo`: Postgres must not run as root, and /root is closed to others. */
export function findHome(env: Readonly<Record<string, string | undefined>>): Home {
  const fallback = userInfo().uid === 0 ? '/var/lib/favo' : join(homedir(), '.favo')
  const given = env.FAVO_HOME === undefined || env.FAVO_HOME === '' ? fallback : env.FAVO_HOME
  const directory = isAbsolute(given) ? given : resolve(given)
  const secrets = join(directory, 'secrets')
  return {
    directory,
    postgres: join(directory, 'postgres'),
    secrets,
    runFile: join(directory, 'run', 'favo.json'),
    lockSocket: join(directory, 'run', 'favo.sock'),
    bootstrapToken: join(secrets, 'bootstrap-token'),
  }
}
