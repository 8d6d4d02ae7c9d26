import { generateKeyPair } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Home } from '@favo/runtime'
import { selfSignedCertificate } from '@favo/tokens'
import type { Config } from './config.ts'
import { readOrCreate } from './secrets.ts'

/** Both PEM. */
export interface PostgresCertificate {
  readonly key: string
  readonly certificate: string
}

/**
 * What the Postgres ports show to clients that want TLS: the operator's files, or a certificate of our own for a key that is
 * made at the first start. With that one a connection is encrypted, but only who pins it knows whom he talks to.
 */
export async function loadPostgresCertificate(config: Config, home: Home): Promise<PostgresCertificate> {
  const { FAVO_PG_TLS_CERT: certFile, FAVO_PG_TLS_KEY: keyFile } = config
  if (certFile !== undefined && keyFile !== undefined)
    return {
      certificate: await readSetting('FAVO_PG_TLS_CERT', certFile),
      key: await readSetting('FAVO_PG_TLS_KEY', keyFile),
    }
  const key = `${await readOrCreate(join(home.secrets, 'postgres-tls-key'), createKey)}\n`
  const body =
    selfSignedCertificate(key, config.FAVO_DOMAIN)
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  return { key, certificate: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n` }
}

const readSetting = (name: string, path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${name}: ${path} cannot be read (${(error as Error).message}).`, { cause: error })
  })

async function createKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().trim()
}
