import type { SecretBox } from './secret-box.ts'

/**
 * The password of a platform login, for example `p_…_api`: derived from the master key, stored nowhere. A rotation of the
 * master key changes it, and the next refused connection sets it anew.
 */
export const loginPassword = (
  box: SecretBox,
  database: string,
  login: 'api' | 'svc' | 'own' | 'ctl',
): string => box.derive(`login:${database}_${login}`).toString('base64url')
