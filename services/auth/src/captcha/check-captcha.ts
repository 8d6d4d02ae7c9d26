import { bodyBytes } from '@favo/http'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { AuthContext } from '../context.ts'
import { AuthError, authErrors } from '../errors.ts'
import { requireAdministrator } from '../sessions/require-administrator.ts'

const TIMEOUT_MS = 10_000
const REPLY_BYTES_MAX = 64 * 1024

/** Both speak one dialect. Facts of auth internal/security/captcha.go@bc32168. */
const verifiers = {
  hcaptcha: 'https://hcaptcha.com/siteverify',
  turnstile: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
} as const

const verdict = z.object({ success: z.boolean(), 'error-codes': z.array(z.string()).nullish() })
const bodyWithToken = z.object({
  gotrue_meta_security: z.object({ captcha_token: z.string().nullish() }).nullish(),
})

/**
 * Throws captcha_failed unless the request shows a solved captcha. The service key needs none.
 * Mirrors auth internal/api/middleware.go@bc32168 verifyCaptcha.
 */
export async function checkCaptcha(ctx: AuthContext, request: FastifyRequest): Promise<void> {
  if (await isAdministrator(ctx, request)) return
  const token = readToken(request)
  if (token === '') throw refused('no captcha_token found')
  const { success, 'error-codes': codes } = await verify(ctx, token)
  if (!success) throw refused((codes ?? []).join(', '))
}

const refused = (why: string) =>
  new AuthError(400, 'captcha_failed', `captcha protection: request disallowed (${why})`)

const isAdministrator = (ctx: AuthContext, request: FastifyRequest): Promise<boolean> =>
  requireAdministrator(ctx, request).then(
    () => true,
    (error: unknown) => {
      if (error instanceof AuthError) return false
      throw error
    },
  )

function readToken(request: FastifyRequest): string {
  try {
    const body: unknown = JSON.parse(bodyBytes(request).toString('utf8'))
    return bodyWithToken.parse(body).gotrue_meta_security?.captcha_token?.trim() ?? ''
  } catch {
    return ''
  }
}

async function verify(ctx: AuthContext, token: string): Promise<z.infer<typeof verdict>> {
  const { captchaProvider, captchaSecret } = ctx.settings
  const form = new URLSearchParams({
    secret: captchaSecret.trim(),
    response: token,
    remoteip: ctx.clientIp ?? '',
  })
  try {
    const reply = await ctx.outbound.send({
      url: verifiers[captchaProvider],
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      timeoutMs: TIMEOUT_MS,
      replyBytesMax: REPLY_BYTES_MAX,
    })
    return verdict.parse(JSON.parse(reply.body))
  } catch (error) {
    throw authErrors.unexpectedFailure('captcha verification process failed', error)
  }
}
