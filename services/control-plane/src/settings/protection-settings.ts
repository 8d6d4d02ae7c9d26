import type { AuthProtectionSettings } from '@favo/projects'

/** Stored as they are asked for. */
export const protectionMembers = {
  external_email_enabled: 'emailProviderEnabled',
  external_phone_enabled: 'phoneProviderEnabled',
  sms_autoconfirm: 'smsAutoconfirm',
  sms_otp_exp: 'smsOtpExpSeconds',
  sms_otp_length: 'smsOtpLength',
  sms_max_frequency: 'smsMaxFrequencySeconds',
  sms_template: 'smsTemplate',
  sms_test_otp: 'smsTestOtp',
  sms_test_otp_valid_until: 'smsTestOtpValidUntil',
  rate_limit_email_sent: 'rateLimitEmailSent',
  rate_limit_sms_sent: 'rateLimitSmsSent',
  rate_limit_anonymous_users: 'rateLimitAnonymousUsers',
  rate_limit_verify: 'rateLimitVerify',
  rate_limit_token_refresh: 'rateLimitTokenRefresh',
  rate_limit_otp: 'rateLimitOtp',
  rate_limit_web3: 'rateLimitWeb3',
  security_sb_forwarded_for_enabled: 'forwardedForEnabled',
  security_update_password_require_current_password: 'updatePasswordRequiresCurrent',
  favo_audit_log_retention_days: 'auditLogRetentionDays',
} as const satisfies Record<string, keyof AuthProtectionSettings>
