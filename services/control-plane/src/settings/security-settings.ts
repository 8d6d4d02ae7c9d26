import { hookNames, smsCredentialNames, type HookApiName, type SecurityConfig } from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import type { AuthSettings, HookName, HookSettings } from '@favo/projects'
import { defaultAuthProtectionSettings, defaultAuthSecuritySettings } from '@favo/projects'
import { sha256Hex, type SecretBox } from '@favo/tokens'
import { controlErrors } from '../errors.ts'
import { protectionMembers } from './protection-settings.ts'

type Value = boolean | number | string | null
type Asked = Readonly<Record<string, Value | undefined>>
/** Settings as stored: as in `AuthSettings`, with secrets sealed. */
type Stored = Partial<Record<keyof AuthSettings, unknown>>

/** Those that are stored as they are asked for. */
const plain = {
  external_anonymous_users_enabled: 'anonymousUsersEnabled',
  mailer_otp_exp: 'mailerOtpExpSeconds',
  mailer_otp_length: 'mailerOtpLength',
  mailer_secure_email_change_enabled: 'mailerSecureEmailChangeEnabled',
  smtp_max_frequency: 'mailMaxFrequencySeconds',
  security_update_password_require_reauthentication: 'updatePasswordRequiresReauthentication',
  mfa_max_enrolled_factors: 'mfaMaxEnrolledFactors',
  mfa_totp_enroll_enabled: 'mfaTotpEnrollEnabled',
  mfa_totp_verify_enabled: 'mfaTotpVerifyEnabled',
  mfa_phone_enroll_enabled: 'mfaPhoneEnrollEnabled',
  mfa_phone_verify_enabled: 'mfaPhoneVerifyEnabled',
  mfa_web_authn_enroll_enabled: 'mfaWebAuthnEnrollEnabled',
  mfa_web_authn_verify_enabled: 'mfaWebAuthnVerifyEnabled',
  mfa_phone_otp_length: 'mfaPhoneOtpLength',
  mfa_phone_template: 'mfaPhoneTemplate',
  mfa_phone_max_frequency: 'mfaPhoneMaxFrequencySeconds',
  passkey_enabled: 'passkeyEnabled',
  webauthn_rp_id: 'webAuthnRpId',
  webauthn_rp_display_name: 'webAuthnRpDisplayName',
  sessions_single_per_user: 'sessionsSinglePerUser',
  password_required_characters: 'passwordRequiredCharacters',
  password_hibp_enabled: 'passwordHibpEnabled',
  security_captcha_enabled: 'captchaEnabled',
  security_captcha_provider: 'captchaProvider',
  sms_provider: 'smsProvider',
  ...protectionMembers,
} as const satisfies Record<string, keyof AuthSettings>

const lists = { uri_allow_list: 'uriAllowList', webauthn_rp_origins: 'webAuthnRpOrigins' } as const
/** Asked for in hours, stored in seconds. */
const durations = {
  sessions_timebox: 'sessionsTimeboxSeconds',
  sessions_inactivity_timeout: 'sessionsInactivityTimeoutSeconds',
} as const
const hooks: Readonly<Record<HookApiName, HookName>> = {
  custom_access_token: 'customAccessToken',
  mfa_verification_attempt: 'mfaVerificationAttempt',
  password_verification_attempt: 'passwordVerificationAttempt',
  send_sms: 'sendSms',
  send_email: 'sendEmail',
  before_user_created: 'beforeUserCreated',
  after_user_created: 'afterUserCreated',
}

// Of the defaults that are not in defaultAuthSecuritySettings; Auth has the same.
const otherDefaults: Partial<AuthSettings> = {
  anonymousUsersEnabled: false,
  uriAllowList: [],
  mailerOtpExpSeconds: 3_600,
  mailerOtpLength: 6,
  mailerSecureEmailChangeEnabled: true,
  mailMaxFrequencySeconds: 60,
  updatePasswordRequiresReauthentication: false,
}

const secretContext = (ref: string, name: string) => `project:${ref}:auth:${name}`

/** Stores what was asked for and leaves the rest; null takes a setting back to its default. In the caller's transaction. */
export async function saveSecurity(
  { db, secretBox }: { readonly db: Queryable; readonly secretBox: SecretBox },
  ref: string,
  asked: Asked,
): Promise<void> {
  if (Object.values(asked).every((value) => value === undefined)) return
  const before = await loadStored(db, ref)
  const seal = (name: string, value: string) =>
    value === '' ? '' : secretBox.seal(value, secretContext(ref, name))
  await store(db, ref, applyAsked(before, asked, seal))
}

function applyAsked(before: Stored, asked: Asked, seal: (name: string, value: string) => string): Stored {
  const next: Stored = { ...before }
  const put = (member: keyof AuthSettings, value: unknown) => {
    if (value === undefined) return
    if (value === null) delete next[member]
    else next[member] = value
  }
  for (const [name, member] of Object.entries(plain)) put(member, asked[name])
  for (const [name, member] of Object.entries(lists)) put(member, split(asked[name]))
  for (const [name, member] of Object.entries(durations)) {
    const hours = asked[name]
    put(member, typeof hours === 'number' ? Math.round(hours * 3_600) : hours)
  }
  const captcha = asked.security_captcha_secret
  put('captchaSecret', typeof captcha === 'string' ? seal('security_captcha_secret', captcha) : captcha)
  for (const name of smsCredentialNames) {
    const value = asked[`sms_${name}`]
    if (value === undefined) continue
    const known = { ...(next.smsCredentials as Record<string, string> | undefined) }
    if (typeof value === 'string' && value !== '') known[name] = seal(`sms_${name}`, value)
    else delete known[name]
    next.smsCredentials = known
  }
  for (const name of hookNames) {
    const hook = applyHook(readHooks(next)[hooks[name]], name, asked, seal)
    if (hook !== null) next.hooks = { ...readHooks(next), [hooks[name]]: hook }
  }
  return next
}

const readHooks = (stored: Stored) => (stored.hooks ?? {}) as Partial<Record<HookName, HookSettings>>

/** Null when nothing was asked of this hook. Throws when it could not be called. */
function applyHook(
  before: HookSettings | undefined,
  name: HookApiName,
  asked: Asked,
  seal: (name: string, value: string) => string,
): HookSettings | null {
  const { [`hook_${name}_enabled`]: enabled, [`hook_${name}_uri`]: uri } = asked
  const secrets = asked[`hook_${name}_secrets`]
  if (enabled === undefined && uri === undefined && secrets === undefined) return null
  const hook: HookSettings = {
    isEnabled: enabled === undefined ? (before?.isEnabled ?? false) : enabled === true,
    uri: uri === undefined ? (before?.uri ?? '') : String(uri ?? ''),
    secrets:
      secrets === undefined ? (before?.secrets ?? '') : seal(`hook_${name}_secrets`, String(secrets ?? '')),
  }
  if (hook.isEnabled && hook.uri === '')
    throw controlErrors.invalid(`hook_${name}_uri must say what to call before the hook is enabled.`)
  if (hook.isEnabled && /^https?:/.test(hook.uri) && hook.secrets === '')
    throw controlErrors.invalid(`hook_${name}_secrets must be set: what is sent over HTTP is signed.`)
  return hook
}

const split = (value: Value | undefined) =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    : value

async function loadStored(tx: Queryable, ref: string): Promise<Stored> {
  const row = await tx.one<{ auth: Stored }>(
    sql`select auth from control.project_settings where ref = ${ref} for update`,
  )
  return row.auth
}

const store = (tx: Queryable, ref: string, auth: Stored) =>
  tx.run(sql`update control.project_settings set auth = ${JSON.stringify(auth)}::jsonb where ref = ${ref}`)

/** Settings as stored, with their secrets opened. Throws when the master key is not the one that sealed them. */
export function openSecurity<Settings extends Partial<AuthSettings>>(
  secretBox: SecretBox,
  ref: string,
  stored: Settings,
): Settings {
  const open = (name: string, value: string) =>
    value === '' ? '' : secretBox.open(value, secretContext(ref, name))
  const { captchaSecret, smsCredentials, hooks: storedHooks } = stored
  return {
    ...stored,
    ...(captchaSecret === undefined ? {} : { captchaSecret: open('security_captcha_secret', captchaSecret) }),
    ...(smsCredentials === undefined
      ? {}
      : {
          smsCredentials: Object.fromEntries(
            Object.entries(smsCredentials).map(([name, value]) => [name, open(`sms_${name}`, value)]),
          ),
        }),
    ...(storedHooks === undefined
      ? {}
      : {
          hooks: Object.fromEntries(
            hookNames.flatMap((name) => {
              const hook = storedHooks[hooks[name]]
              if (hook === undefined) return []
              return [[hooks[name], { ...hook, secrets: open(`hook_${name}_secrets`, hook.secrets) }]]
            }),
          ),
        }),
  }
}

/** As the Management API shows it: secrets by their hash, so that who knows one can compare. */
export function renderSecurity(given: AuthSettings): SecurityConfig {
  const auth = {
    ...defaultAuthSecuritySettings,
    ...defaultAuthProtectionSettings,
    ...otherDefaults,
    ...given,
  }
  const config: Record<string, Value> = {}
  for (const [name, member] of Object.entries(plain)) config[name] = auth[member] ?? null
  for (const [name, member] of Object.entries(lists)) config[name] = (auth[member] ?? []).join(',')
  for (const [name, member] of Object.entries(durations)) config[name] = auth[member] / 3_600
  config.security_captcha_secret = hashOf(auth.captchaSecret)
  for (const name of smsCredentialNames) {
    const value = auth.smsCredentials[name]
    config[`sms_${name}`] = /_(?:auth_token|access_key|api_key|api_secret)$/.test(name)
      ? hashOf(value)
      : (value ?? null)
  }
  for (const name of hookNames) {
    const hook = auth.hooks[hooks[name]]
    config[`hook_${name}_enabled`] = hook?.isEnabled ?? false
    config[`hook_${name}_uri`] = hook === undefined || hook.uri === '' ? null : hook.uri
    config[`hook_${name}_secrets`] = hashOf(hook?.secrets)
  }
  return config
}

const hashOf = (secret: string | undefined) =>
  secret === undefined || secret === '' ? null : sha256Hex(secret)
