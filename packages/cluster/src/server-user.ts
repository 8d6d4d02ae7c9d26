import { execFileSync } from 'node:child_process'
import { chown, lchown, readdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * Whom the server runs as when we are root, because initdb and postgres refuse root: the user `favo` where the operator
 * made one, else `nobody`. Null when we are not root: then the server runs as ourselves.
 */
export function findServerUser(): ServerUser | null {
  if (userInfo().uid !== 0) return null
  for (const name of ['favo', 'nobody']) {
    const uid = numericId('-u', name)
    const gid = numericId('-g', name)
    // initdb wants a uid that has a name, and macOS gives nobody the uid -2, shown as 4294967294.
    if (uid !== null && gid !== null) return { name, uid, gid }
  }
  throw new Error(
    'Running as root, Favo needs an unprivileged user for Postgres, and neither "favo" nor "nobody" exists. ' +
      'Make one: useradd --system --no-create-home favo',
  )
}

function numericId(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())
  } catch {
    return null
  }
}

export async function chownTree(path: string, user: ServerUser): Promise<void> {
  await chown(path, user.uid, user.gid)
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) await chownTree(child, user)
    else await lchown(child, user.uid, user.gid)
  }
}
