import {
  UpdateAuthBody,
  UpdateMailBody,
  UpdatePostgrestBody,
  UpdateSecurityBody,
  UpdateSignInBody,
  type AuthConfig,
} from '@favo/contracts'
import { sql } from '@favo/postgres'
import type { AuthSettings, Project } from '@favo/projects'
import { differences } from '../audit/differences.ts'
import { loadProject } from '../directory-source.ts'
import { controlErrors } from '../errors.ts'
import { route, type Route } from '../route.ts'
import { mergeAuthSettings, mergeRestSettings } from './settings.sql.ts'
import { renderMailSettings, saveMail } from './mail-settings.ts'
import { readRest, renderRest } from './rest-settings.ts'
import { renderSecurity, saveSecurity } from './security-settings.ts'
import { renderSignIn, saveSignIn } from './sign-in-settings.ts'
import { unsetAuthSettings } from './unset-auth-settings.ts'

export const settingsRoutes: readonly Route[] = [
  route({
    operation: 'settings.get_postgrest',
    method: 'GET',
    path: '/projects/:ref/postgrest',
    permission: { scope: 'project', role: 'read_only', grant: 'rest:read' },
    handle: async (ctx, { params }) => renderRest((await getSettings(ctx, params.ref)).rest),
  }),
  route({
    operation: 'settings.update_postgrest',
    method: 'PATCH',
    path: '/projects/:ref/postgrest',
    permission: { scope: 'project', role: 'administrator', grant: 'rest:write' },
    body: UpdatePostgrestBody,
    handle: async (ctx, { params, body }) => {
      const { ref, rest } = await getSettings(ctx, params.ref)
      return ctx.db.transaction(async (db) => {
        await mergeRestSettings(db, ref, readRest(body))
        const after = renderRest((await getSettings({ db, secretBox: ctx.secretBox }, ref)).rest)
        ctx.audit.note(differences(renderRest(rest), after))
        await ctx.audit.write(db)
        return after
      })
    },
  }),
  route({
    operation: 'settings.get_auth',
    method: 'GET',
    path: '/projects/:ref/config/auth',
    permission: { scope: 'project', role: 'read_only', grant: 'auth:read' },
    handle: async (ctx, { params }) => renderAuth((await getSettings(ctx, params.ref)).auth),
  }),
  route({
    operation: 'settings.update_auth',
    method: 'PATCH',
    path: '/projects/:ref/config/auth',
    permission: { scope: 'project', role: 'administrator', grant: 'auth:write' },
    body: UpdateAuthBody.and(UpdateSignInBody).and(UpdateSecurityBody).and(UpdateMailBody),
    handle: async (ctx, { params, body }) => {
      const { ref, auth } = await getSettings(ctx, params.ref)
      // All of it or nothing: what one part refuses must not leave the others changed.
      return ctx.db.transaction(async (db) => {
        const saving = { db, secretBox: ctx.secretBox }
        await mergeAuthSettings(db, ref, readAuth(body))
        await saveSignIn(saving, ref, body.signIn)
        await saveSecurity(saving, ref, body.security)
        await saveMail(saving, ref, body.mail)
        const after = renderAuth((await getSettings(saving, ref)).auth)
        ctx.audit.note(differences(renderAuth(auth), after))
        await ctx.audit.write(db)
        return after
      })
    },
  }),
]

async function getSettings(
  ctx: Parameters<typeof loadProject>[0],
  ref: string | undefined,
): Promise<Project> {
  const project = await loadProject(ctx, sql`p.ref = ${ref ?? ''}`)
  if (project === null) throw controlErrors.projectNotFound()
  return project
}

function readAuth(body: UpdateAuthBody): Partial<AuthSettings> {
  const patch: Partial<AuthSettings> = {
    disableSignup: body.disable_signup,
    mailerAutoconfirm: body.mailer_autoconfirm,
    passwordMinLength: body.password_min_length,
    jwtExpSeconds: body.jwt_exp,
    refreshTokenReuseIntervalSeconds: body.security_refresh_token_reuse_interval,
    siteUrl: body.site_url,
  }
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

/** All settings of Auth by the Management API's names. */
export const renderAuth = (auth: AuthSettings): AuthConfig => ({
  ...unsetAuthSettings,
  ...renderSignIn(auth),
  ...renderSecurity(auth),
  ...renderMailSettings(auth),
  disable_signup: auth.disableSignup,
  mailer_autoconfirm: auth.mailerAutoconfirm,
  password_min_length: auth.passwordMinLength,
  jwt_exp: auth.jwtExpSeconds,
  security_refresh_token_reuse_interval: auth.refreshTokenReuseIntervalSeconds,
  site_url: auth.siteUrl,
})
