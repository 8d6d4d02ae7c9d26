/** What a hook is called for. */
export type HookName =
  | 'customAccessToken'
  | 'mfaVerificationAttempt'
  | 'passwordVerificationAttempt'
  | 'sendSms'
  | 'sendEmail'
  | 'beforeUserCreated'
  | 'afterUserCreated'

export interface HookSettings {
  readonly isEnabled: boolean
  /** `pg-functions://postgres/<schema>/<function>`, or an address of http or https. */
  readonly uri: string
  /** Of HTTP hooks: `v1,whsec_<base64>`, several with `|` between them while they are changed. */
  readonly secrets: string
}

/** Settings of Auth that concern factors, passkeys, sessions, passwords, hooks and messages. All may be absent. */
export interface AuthSecuritySettings {
  /** Of one user [mfa_max_enrolled_factors]. */
  readonly mfaMaxEnrolledFactors?: number
  readonly mfaTotpEnrollEnabled?: boolean
  readonly mfaTotpVerifyEnabled?: boolean
  readonly mfaPhoneEnrollEnabled?: boolean
  readonly mfaPhoneVerifyEnabled?: boolean
  readonly mfaWebAuthnEnrollEnabled?: boolean
  readonly mfaWebAuthnVerifyEnabled?: boolean
  readonly mfaPhoneOtpLength?: number
  /** Text of the message; `{{ .Code }}` is the code [mfa_phone_template]. */
  readonly mfaPhoneTemplate?: string
  readonly mfaPhoneMaxFrequencySeconds?: number
  readonly passkeyEnabled?: boolean
  /** The host by which browsers bind credentials; null = the host of `siteUrl` [webauthn_rp_id]. */
  readonly webAuthnRpId?: string | null
  /** Null = the project's name [webauthn_rp_display_name]. */
  readonly webAuthnRpDisplayName?: string | null
  /** Origins that may use credentials; empty = that of `siteUrl` [webauthn_rp_origins]. */
  readonly webAuthnRpOrigins?: readonly string[]
  /** Sessions end so long after the sign-in; 0 = never [sessions_timebox, in hours]. */
  readonly sessionsTimeboxSeconds?: number
  /** Sessions end so long after the last refresh; 0 = never [sessions_inactivity_timeout, in hours]. */
  readonly sessionsInactivityTimeoutSeconds?: number
  /** Only the latest session of a user can be refreshed [sessions_single_per_user]. */
  readonly sessionsSinglePerUser?: boolean
  /** Sets of characters, `:` between them, of each of which a password needs one [password_required_characters]. */
  readonly passwordRequiredCharacters?: string
  /** Passwords that were leaked elsewhere are refused [password_hibp_enabled]. */
  readonly passwordHibpEnabled?: boolean
  readonly captchaEnabled?: boolean
  readonly captchaProvider?: 'hcaptcha' | 'turnstile'
  /** [security_captcha_secret] */
  readonly captchaSecret?: string
  readonly hooks?: Readonly<Partial<Record<HookName, HookSettings>>>
  /** Who carries messages to phones; `local` = the project's inbox [sms_provider]. */
  readonly smsProvider?: SmsProviderName
  /** What providers ask for, by `<provider>_<name>`: `twilio_account_sid`, … [sms_<provider>_<name>]. */
  readonly smsCredentials?: Readonly<Record<string, string>>
}

export type SmsProviderName = 'local' | 'twilio' | 'twilio_verify' | 'messagebird' | 'vonage' | 'textlocal'

/** Supabase's defaults. */
export const defaultAuthSecuritySettings: Required<AuthSecuritySettings> = {
  mfaMaxEnrolledFactors: 10,
  mfaTotpEnrollEnabled: true,
  mfaTotpVerifyEnabled: true,
  mfaPhoneEnrollEnabled: false,
  mfaPhoneVerifyEnabled: false,
  mfaWebAuthnEnrollEnabled: false,
  mfaWebAuthnVerifyEnabled: false,
  mfaPhoneOtpLength: 6,
  mfaPhoneTemplate: 'Your code is {{ .Code }}',
  mfaPhoneMaxFrequencySeconds: 5,
  passkeyEnabled: false,
  webAuthnRpId: null,
  webAuthnRpDisplayName: null,
  webAuthnRpOrigins: [],
  sessionsTimeboxSeconds: 0,
  sessionsInactivityTimeoutSeconds: 0,
  sessionsSinglePerUser: false,
  passwordRequiredCharacters: '',
  passwordHibpEnabled: false,
  captchaEnabled: false,
  captchaProvider: 'hcaptcha',
  captchaSecret: '',
  hooks: {},
  smsProvider: 'local',
  smsCredentials: {},
}
