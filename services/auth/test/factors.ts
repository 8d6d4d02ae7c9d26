import { TOTP } from 'otpauth'
import type { Ann, Body, TestAuth } from './start-auth.ts'

/** What replies about factors hold. */
export interface FactorBody extends Body {
  readonly type: string
  readonly friendly_name: string
  readonly totp: { readonly qr_code: string; readonly secret: string; readonly uri: string }
  readonly webauthn: {
    readonly type: string
    readonly credential_options: { readonly publicKey: never }
  }
  readonly expires_at: number
}

/** The code of now, or of so many half minutes from now. */
export const codeOf = (secret: string, shift = 0): string =>
  new TOTP({ secret }).generate({ timestamp: Date.now() + shift * 30_000 })

export async function enroll(auth: TestAuth, token: string, input: object): Promise<FactorBody> {
  const { status, body } = await auth.post('/factors', input, { token })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as FactorBody
}

export async function challenge(auth: TestAuth, token: string, id: string): Promise<FactorBody> {
  const { status, body } = await auth.post(`/factors/${id}/challenge`, {}, { token })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body as FactorBody
}

export interface Protected extends Ann {
  readonly factorId: string
  readonly secret: string
  /** Of the second level. */
  readonly token: string
  readonly refreshToken: string
  /** From before. */
  readonly first: { readonly token: string; readonly refreshToken: string }
}

/** Somebody with a verified authenticator application. */
export async function withTotp(auth: TestAuth, name = 'phone'): Promise<Protected> {
  const ann = await auth.ann()
  const factor = await enroll(auth, ann.token, { factor_type: 'totp', friendly_name: name })
  const { id } = await challenge(auth, ann.token, factor.id)
  const { secret } = factor.totp
  const { status, body } = await auth.post(
    `/factors/${factor.id}/verify`,
    { challenge_id: id, code: codeOf(secret) },
    { token: ann.token },
  )
  if (status !== 200) throw new Error(JSON.stringify(body))
  return {
    ...ann,
    factorId: factor.id,
    secret,
    token: body.access_token,
    refreshToken: body.refresh_token,
    first: { token: ann.token, refreshToken: ann.refreshToken },
  }
}
