import { z } from 'zod'
import { protectionFields } from './protection-settings.ts'

const text = (bytesMax: number) =>
  z
    .string()
    .max(bytesMax)
    .regex(/^[^\0]*$/)
const count = (min: number, max: number) => z.number().int().min(min).max(max)

/** What a hook may be called for, by the names of the Management API. */
export const hookNames = [
  'custom_access_token',
  'mfa_verification_attempt',
  'password_verification_attempt',
  'send_sms',
  'send_email',
  'before_user_created',
  'after_user_created',
] as const
export type HookApiName = (typeof hookNames)[number]

/** A function of the project's database, or an address. */
const hookUri = z.union([
  z.literal(''),
  z.string().regex(/^pg-functions:\/\/[^/\0]+\/[a-zA-Z_][a-zA-Z0-9_]{0,62}\/[a-zA-Z_][a-zA-Z0-9_]{0,62}$/),
  z.url({ protocol: /^https?$/ }).max(2_048),
])
const hookSecrets = z
  .string()
  .max(4_096)
  .regex(/^(?:v1,whsec_[A-Za-z0-9+/=_-]{8,}(?:\|v1,whsec_[A-Za-z0-9+/=_-]{8,})*)?$/)

type Field = z.ZodType<boolean | number | string>

const hookFields: Readonly<Record<string, Field>> = Object.fromEntries(
  hookNames.flatMap((name): [string, Field][] => [
    [`hook_${name}_enabled`, z.boolean()],
    [`hook_${name}_uri`, hookUri],
    [`hook_${name}_secrets`, hookSecrets],
  ]),
)

/** What each provider of messages asks for; the whole name is `sms_<name>`. */
export const smsCredentialNames = [
  'twilio_account_sid',
  'twilio_auth_token',
  'twilio_message_service_sid',
  'twilio_content_sid',
  'twilio_verify_account_sid',
  'twilio_verify_auth_token',
  'twilio_verify_message_service_sid',
  'messagebird_access_key',
  'messagebird_originator',
  'vonage_api_key',
  'vonage_api_secret',
  'vonage_from',
  'textlocal_api_key',
  'textlocal_sender',
] as const

/** Settings of factors, passkeys, sessions, passwords, mails, hooks and messages, by the Management API's names. */
export const securityFields: Readonly<Record<string, Field>> = {
  external_anonymous_users_enabled: z.boolean(),
  uri_allow_list: text(16_384),
  mailer_otp_exp: count(0, 2_147_483_647),
  mailer_otp_length: count(6, 10),
  mailer_secure_email_change_enabled: z.boolean(),
  smtp_max_frequency: count(0, 32_767),
  security_update_password_require_reauthentication: z.boolean(),
  mfa_max_enrolled_factors: count(0, 2_147_483_647),
  mfa_totp_enroll_enabled: z.boolean(),
  mfa_totp_verify_enabled: z.boolean(),
  mfa_phone_enroll_enabled: z.boolean(),
  mfa_phone_verify_enabled: z.boolean(),
  mfa_web_authn_enroll_enabled: z.boolean(),
  mfa_web_authn_verify_enabled: z.boolean(),
  mfa_phone_otp_length: count(6, 10),
  mfa_phone_template: text(4_096),
  mfa_phone_max_frequency: count(0, 32_767),
  passkey_enabled: z.boolean(),
  webauthn_rp_id: text(253),
  webauthn_rp_display_name: text(256),
  webauthn_rp_origins: text(4_096),
  /** Hours. */
  sessions_timebox: z.number().min(0).max(87_600),
  /** Hours. */
  sessions_inactivity_timeout: z.number().min(0).max(87_600),
  sessions_single_per_user: z.boolean(),
  password_required_characters: text(1_024),
  password_hibp_enabled: z.boolean(),
  security_captcha_enabled: z.boolean(),
  security_captcha_provider: z.enum(['hcaptcha', 'turnstile']),
  security_captcha_secret: text(1_024),
  sms_provider: z.enum(['local', 'twilio', 'twilio_verify', 'messagebird', 'vonage', 'textlocal']),
  ...Object.fromEntries(smsCredentialNames.map((name): [string, Field] => [`sms_${name}`, text(1_024)])),
  ...hookFields,
  ...protectionFields,
}

/** Part of `PATCH /v1/projects/{ref}/config/auth`. null resets a setting. */
export const UpdateSecurityBody = z
  .object(
    Object.fromEntries(Object.entries(securityFields).map(([name, schema]) => [name, schema.nullish()])),
  )
  .transform((security) => ({ security }))

/** Part of `GET /v1/projects/{ref}/config/auth`. Secrets are shown by their SHA-256. */
export type SecurityConfig = Readonly<Record<string, boolean | number | string | null>>
