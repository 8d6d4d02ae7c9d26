import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Home } from '@favo/runtime'
import { createAccessToken } from '@favo/tokens'

/** What only the operator may have. Each lies in a file of mode 0600 below `secrets/` and is never served. */
export interface OperatorSecrets {
  /** 32 bytes; everything sealed at rest and every login's password comes from it. Lost with it: all of them. */
  readonly masterKey: Buffer
  readonly superuserPassword: string
  /** Token of the control API with all rights, for the command line on this machine. */
  readonly bootstrapToken: string
}

/** Reads the secrets, making those that are not there yet. Throws when the master key's file is damaged. */
export async function loadSecrets(home: Home): Promise<OperatorSecrets> {
  await mkdir(home.secrets, { recursive: true, mode: 0o700 })
  await chmod(home.secrets, 0o700)
  const masterKeyFile = join(home.secrets, 'master-key')
  const masterKey = Buffer.from(
    await readOrCreate(masterKeyFile, () => randomBytes(32).toString('hex')),
    'hex',
  )
  if (masterKey.length !== 32)
    throw new Error(`${masterKeyFile} is damaged: it must hold 64 hex digits. Restore it from your backup.`)
  return {
    masterKey,
    superuserPassword: await readOrCreate(join(home.secrets, 'superuser-password'), () =>
      randomBytes(24).toString('hex'),
    ),
    bootstrapToken: await readOrCreate(home.bootstrapToken, createAccessToken),
  }
}

/** The text of a file of mode 0600, which is made when it is not there yet. */
export async function readOrCreate(path: string, create: () => string | Promise<string>): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found !== null && found.trim() !== '') {
    await chmod(path, 0o600)
    return found.trim()
  }
  const value = await create()
  await writePrivate(path, `${value}\n`)
  return value
}

/** Mode 0600, and whole or not at all: written beside and renamed. */
export async function writePrivate(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.${createHash('sha256').update(randomBytes(8)).digest('hex').slice(0, 8)}`
  await writeFile(beside, text, { mode: 0o600, flush: true })
  await rename(beside, path)
}
