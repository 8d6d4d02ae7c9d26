/**
 * Settings of Auth that concern phones and rate limits, by the names of GoTrue's configuration; the Management API's
 * stand in brackets. All may be absent.
 */
export interface AuthProtectionSettings {
  /** Signing up and in by e-mail address [external_email_enabled]. */
  readonly emailProviderEnabled?: boolean
  /** Signing up and in by phone [external_phone_enabled]. */
  readonly phoneProviderEnabled?: boolean
  /** Phones count as confirmed at once [sms_autoconfirm]. */
  readonly smsAutoconfirm?: boolean
  /** How long a code is good [sms_otp_exp]. */
  readonly smsOtpExpSeconds?: number
  readonly smsOtpLength?: number
  /** Between two messages of one kind to one phone [sms_max_frequency]. */
  readonly smsMaxFrequencySeconds?: number
  /** Text of the message; `{{ .Code }}` is the code [sms_template]. */
  readonly smsTemplate?: string
  /** Phones that get no message, with the code that is always right: `<digits>=<code>,…` [sms_test_otp]. */
  readonly smsTestOtp?: string
  /** Until when those codes are right; empty = always [sms_test_otp_valid_until, RFC 3339]. */
  readonly smsTestOtpValidUntil?: string

  /** Messages an hour, of the whole project. Those that stay in the local inbox do not count. */
  readonly rateLimitEmailSent?: number
  readonly rateLimitSmsSent?: number
  /** Users an hour and client address. */
  readonly rateLimitAnonymousUsers?: number
  /** Requests in five minutes and client address, this and the next. */
  readonly rateLimitVerify?: number
  readonly rateLimitTokenRefresh?: number
  /** Sign-ups, links, codes, recoveries and changes of users. */
  readonly rateLimitOtp?: number
  readonly rateLimitWeb3?: number
  /** Servers with a secret key may tell for whom they ask, by Sb-Forwarded-For [security_sb_forwarded_for_enabled]. */
  readonly forwardedForEnabled?: boolean
  /** Who changes the password must know the old one [security_update_password_require_current_password]. */
  readonly updatePasswordRequiresCurrent?: boolean
  /** Entries of the audit log are kept so long; 0 = for ever [favo_audit_log_retention_days]. */
  readonly auditLogRetentionDays?: number
}

/** Supabase's defaults. */
export const defaultAuthProtectionSettings: Required<AuthProtectionSettings> = {
  emailProviderEnabled: true,
  phoneProviderEnabled: false,
  smsAutoconfirm: false,
  smsOtpExpSeconds: 60,
  smsOtpLength: 6,
  smsMaxFrequencySeconds: 5,
  smsTemplate: 'Your code is {{ .Code }}',
  smsTestOtp: '',
  smsTestOtpValidUntil: '',
  rateLimitEmailSent: 30,
  rateLimitSmsSent: 30,
  rateLimitAnonymousUsers: 30,
  rateLimitVerify: 30,
  rateLimitTokenRefresh: 150,
  rateLimitOtp: 30,
  rateLimitWeb3: 30,
  forwardedForEnabled: false,
  updatePasswordRequiresCurrent: false,
  auditLogRetentionDays: 0,
}
