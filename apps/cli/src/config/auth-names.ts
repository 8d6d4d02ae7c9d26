import { externalProviderNames, hookNames, mailNames, notificationNames } from '@favo/contracts'
import {
  count,
  flag,
  hours,
  list,
  not,
  passwordRequirements,
  testOtps,
  text,
  wholeSeconds,
  type ReadValue,
} from './read-values.ts'

export interface AuthName {
  /** In the Management API. */
  readonly name: string
  readonly read: ReadValue
}

const all = (
  names: readonly string[],
  build: (name: string) => readonly (readonly [path: string, name: string, read: ReadValue])[],
): Record<string, AuthName> =>
  Object.fromEntries(names.flatMap(build).map(([path, name, read]) => [path, { name, read }]))

/**
 * Where the settings of `[auth]` are in the Management API, as Supabase's CLI has it (cli pkg/config/auth.go@1d1e719); paths are
 * below `auth`.
 */
export const authNames: Readonly<Record<string, AuthName>> = {
  site_url: { name: 'site_url', read: text },
  additional_redirect_urls: { name: 'uri_allow_list', read: list },
  jwt_expiry: { name: 'jwt_exp', read: count },
  refresh_token_reuse_interval: { name: 'security_refresh_token_reuse_interval', read: count },
  enable_manual_linking: { name: 'security_manual_linking_enabled', read: flag },
  enable_signup: { name: 'disable_signup', read: not },
  enable_anonymous_sign_ins: { name: 'external_anonymous_users_enabled', read: flag },
  minimum_password_length: { name: 'password_min_length', read: count },
  password_requirements: { name: 'password_required_characters', read: passwordRequirements },
  'passkey.enabled': { name: 'passkey_enabled', read: flag },
  'webauthn.rp_display_name': { name: 'webauthn_rp_display_name', read: text },
  'webauthn.rp_id': { name: 'webauthn_rp_id', read: text },
  'webauthn.rp_origins': { name: 'webauthn_rp_origins', read: list },

  'rate_limit.anonymous_users': { name: 'rate_limit_anonymous_users', read: count },
  'rate_limit.token_refresh': { name: 'rate_limit_token_refresh', read: count },
  'rate_limit.sign_in_sign_ups': { name: 'rate_limit_otp', read: count },
  'rate_limit.token_verifications': { name: 'rate_limit_verify', read: count },
  'rate_limit.email_sent': { name: 'rate_limit_email_sent', read: count },
  'rate_limit.sms_sent': { name: 'rate_limit_sms_sent', read: count },
  'rate_limit.web3': { name: 'rate_limit_web3', read: count },

  'captcha.enabled': { name: 'security_captcha_enabled', read: flag },
  'captcha.provider': { name: 'security_captcha_provider', read: text },
  'captcha.secret': { name: 'security_captcha_secret', read: text },

  'sessions.timebox': { name: 'sessions_timebox', read: hours },
  'sessions.inactivity_timeout': { name: 'sessions_inactivity_timeout', read: hours },

  'mfa.max_enrolled_factors': { name: 'mfa_max_enrolled_factors', read: count },
  'mfa.phone.otp_length': { name: 'mfa_phone_otp_length', read: count },
  'mfa.phone.template': { name: 'mfa_phone_template', read: text },
  'mfa.phone.max_frequency': { name: 'mfa_phone_max_frequency', read: wholeSeconds },
  ...all(['totp', 'phone', 'web_authn'], (factor) => [
    [`mfa.${factor}.enroll_enabled`, `mfa_${factor}_enroll_enabled`, flag],
    [`mfa.${factor}.verify_enabled`, `mfa_${factor}_verify_enabled`, flag],
  ]),

  'email.enable_signup': { name: 'external_email_enabled', read: flag },
  'email.double_confirm_changes': { name: 'mailer_secure_email_change_enabled', read: flag },
  'email.enable_confirmations': { name: 'mailer_autoconfirm', read: not },
  'email.secure_password_change': { name: 'security_update_password_require_reauthentication', read: flag },
  'email.max_frequency': { name: 'smtp_max_frequency', read: wholeSeconds },
  'email.otp_length': { name: 'mailer_otp_length', read: count },
  'email.otp_expiry': { name: 'mailer_otp_exp', read: count },
  'email.smtp.host': { name: 'smtp_host', read: text },
  'email.smtp.port': { name: 'smtp_port', read: (port) => String(count(port)) },
  'email.smtp.user': { name: 'smtp_user', read: text },
  'email.smtp.pass': { name: 'smtp_pass', read: text },
  'email.smtp.admin_email': { name: 'smtp_admin_email', read: text },
  'email.smtp.sender_name': { name: 'smtp_sender_name', read: text },
  ...all(mailNames, (mail) => {
    const own = mail.replace(/_notification$/, '')
    const path = own === mail ? `email.template.${mail}` : `email.notification.${own}`
    return [
      [`${path}.subject`, `mailer_subjects_${mail}`, text],
      [`${path}.content`, `mailer_templates_${mail}_content`, text],
    ]
  }),
  ...all(notificationNames, (change) => [
    [`email.notification.${change}.enabled`, `mailer_notifications_${change}_enabled`, flag],
  ]),

  'sms.enable_signup': { name: 'external_phone_enabled', read: flag },
  'sms.enable_confirmations': { name: 'sms_autoconfirm', read: not },
  'sms.template': { name: 'sms_template', read: text },
  'sms.max_frequency': { name: 'sms_max_frequency', read: wholeSeconds },
  'sms.test_otp': { name: 'sms_test_otp', read: testOtps },
  ...all(['twilio', 'twilio_verify'], (provider) =>
    ['account_sid', 'message_service_sid', 'auth_token'].map(
      (name) => [`sms.${provider}.${name}`, `sms_${provider}_${name}`, text] as const,
    ),
  ),
  ...all(
    ['messagebird.originator', 'messagebird.access_key', 'textlocal.sender', 'textlocal.api_key'],
    (path) => [[`sms.${path}`, `sms_${path.replace('.', '_')}`, text]],
  ),
  ...all(['from', 'api_key', 'api_secret'], (name) => [[`sms.vonage.${name}`, `sms_vonage_${name}`, text]]),

  ...all(hookNames, (hook) => [
    [`hook.${hook}.enabled`, `hook_${hook}_enabled`, flag],
    [`hook.${hook}.uri`, `hook_${hook}_uri`, text],
    [`hook.${hook}.secrets`, `hook_${hook}_secrets`, text],
  ]),
  ...all(externalProviderNames, (provider) => [
    [`external.${provider}.enabled`, `external_${provider}_enabled`, flag],
    [`external.${provider}.client_id`, `external_${provider}_client_id`, text],
    [`external.${provider}.secret`, `external_${provider}_secret`, text],
    [`external.${provider}.url`, `external_${provider}_url`, text],
    [`external.${provider}.skip_nonce_check`, `external_${provider}_skip_nonce_check`, flag],
    [`external.${provider}.email_optional`, `external_${provider}_email_optional`, flag],
  ]),
  'web3.solana.enabled': { name: 'external_web3_solana_enabled', read: flag },
  'web3.ethereum.enabled': { name: 'external_web3_ethereum_enabled', read: flag },
  'oauth_server.enabled': { name: 'oauth_server_enabled', read: flag },
  'oauth_server.allow_dynamic_registration': { name: 'oauth_server_allow_dynamic_registration', read: flag },
  'oauth_server.authorization_url_path': { name: 'oauth_server_authorization_path', read: text },
}

/** Of a stack on a developer's machine; nothing to say to a project. */
export const localOnly: ReadonlySet<string> = new Set([
  ...['enabled', 'external_url', 'jwt_issuer', 'signing_keys_path', 'publishable_key', 'secret_key'],
  ...['jwt_secret', 'anon_key', 'service_role_key', 'enable_refresh_token_rotation'],
])

/** Sections that hold only while they are enabled, and whether they are when they do not say. */
export const switches: readonly { readonly section: RegExp; readonly isOn: boolean }[] = [
  { section: /^captcha$/, isOn: false },
  { section: /^hook\.[^.]+$/, isOn: false },
  { section: /^external\.[^.]+$/, isOn: false },
  { section: /^sms\.(twilio|twilio_verify|messagebird|textlocal|vonage)$/, isOn: false },
  { section: /^email\.smtp$/, isOn: true },
]
