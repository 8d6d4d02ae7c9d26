import type { ApiKey } from '@favo/contracts'
import type { Platform } from '../platform.ts'
import { openApiKey, type ApiKeyRow } from '../projects/project-secrets.ts'

export const masked = (prefix: string) => `${prefix}${'·'.repeat(16)}`

/** A publishable key is public by its nature; a secret one shows only when it is revealed. */
export const renderApiKey = (
  platform: Platform,
  ref: string,
  key: ApiKeyRow,
  isRevealed: boolean,
): ApiKey => ({
  api_key: key.type === 'publishable' || isRevealed ? openApiKey(platform, ref, key) : masked(key.prefix),
  id: key.id,
  type: key.type,
  prefix: key.prefix,
  name: key.name,
  description: key.description,
  hash: key.hash,
  secret_jwt_template: key.type === 'secret' ? { role: 'service_role' } : null,
  inserted_at: key.created_at,
  updated_at: key.updated_at,
})
