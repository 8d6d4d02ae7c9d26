/** Codes of GoTrue that this service answers with, letter for letter (auth internal/api/apierrors/errorcode.go@bc32168). */
export type AuthErrorCode =
  | 'anonymous_provider_disabled'
  | 'bad_code_verifier'
  | 'bad_json'
  | 'bad_jwt'
  | 'bad_oauth_callback'
  | 'bad_oauth_state'
  | 'captcha_failed'
  | 'conflict'
  | 'current_password_invalid'
  | 'current_password_required'
  | 'custom_provider_not_found'
  | 'email_conflict_identity_not_deletable'
  | 'email_exists'
  | 'email_not_confirmed'
  | 'email_provider_disabled'
  | 'feature_disabled'
  | 'flow_state_already_used'
  | 'flow_state_expired'
  | 'flow_state_not_found'
  | 'hook_payload_invalid_content_type'
  | 'hook_payload_over_size_limit'
  | 'hook_timeout'
  | 'hook_timeout_after_retry'
  | 'identity_already_exists'
  | 'identity_not_found'
  | 'insufficient_aal'
  | 'invalid_credentials'
  | 'invite_not_found'
  | 'mail_not_found'
  | 'manual_linking_disabled'
  | 'mfa_challenge_expired'
  | 'mfa_factor_name_conflict'
  | 'mfa_factor_not_found'
  | 'mfa_ip_address_mismatch'
  | 'mfa_phone_enroll_not_enabled'
  | 'mfa_phone_verify_not_enabled'
  | 'mfa_totp_enroll_not_enabled'
  | 'mfa_totp_verify_not_enabled'
  | 'mfa_verification_failed'
  | 'mfa_verification_rejected'
  | 'mfa_verified_factor_exists'
  | 'mfa_webauthn_enroll_not_enabled'
  | 'mfa_webauthn_verify_not_enabled'
  | 'no_authorization'
  | 'not_admin'
  | 'oauth_authorization_not_found'
  | 'oauth_client_not_found'
  | 'oauth_client_state_not_found'
  | 'oauth_consent_not_found'
  | 'oauth_dynamic_client_registration_disabled'
  | 'oauth_invalid_state'
  | 'oauth_provider_not_supported'
  | 'otp_disabled'
  | 'otp_expired'
  | 'over_email_send_rate_limit'
  | 'over_request_rate_limit'
  | 'over_sms_send_rate_limit'
  | 'passkey_disabled'
  | 'phone_exists'
  | 'phone_not_confirmed'
  | 'phone_provider_disabled'
  | 'provider_disabled'
  | 'provider_email_needs_verification'
  | 'reauthentication_needed'
  | 'reauthentication_not_valid'
  | 'refresh_token_already_used'
  | 'refresh_token_not_found'
  | 'request_entity_too_large'
  | 'request_timeout'
  | 'same_password'
  | 'saml_assertion_no_email'
  | 'saml_assertion_no_user_id'
  | 'saml_entity_id_mismatch'
  | 'saml_idp_already_exists'
  | 'saml_idp_not_found'
  | 'saml_metadata_fetch_failed'
  | 'saml_provider_disabled'
  | 'saml_relay_state_expired'
  | 'saml_relay_state_not_found'
  | 'session_expired'
  | 'session_not_found'
  | 'signup_disabled'
  | 'single_identity_not_deletable'
  | 'sms_send_failed'
  | 'sso_domain_already_exists'
  | 'sso_provider_disabled'
  | 'sso_provider_not_found'
  | 'too_many_enrolled_mfa_factors'
  | 'too_many_passkeys'
  | 'unexpected_audience'
  | 'unexpected_failure'
  | 'unknown'
  | 'user_already_exists'
  | 'user_banned'
  | 'user_not_found'
  | 'user_sso_managed'
  | 'validation_failed'
  | 'weak_password'
  | 'web3_provider_disabled'
  | 'web3_unsupported_chain'
  | 'webauthn_challenge_expired'
  | 'webauthn_challenge_not_found'
  | 'webauthn_credential_exists'
  | 'webauthn_verification_failed'

/** A refusal, or a failure with a text fit for the public. The cause goes to the log only. */
export class AuthError extends Error {
  readonly status: number
  readonly code: AuthErrorCode
  /** Filled for weak_password. */
  readonly reasons: readonly string[] | null
  /** When to come again, where that is known. */
  readonly retryAfterSeconds: number | null
  constructor(
    status: number,
    code: AuthErrorCode,
    message: string,
    options: { cause?: unknown; reasons?: readonly string[]; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'AuthError'
    this.status = status
    this.code = code
    this.reasons = options.reasons ?? null
    this.retryAfterSeconds = options.retryAfterSeconds ?? null
  }
}

/** Every refusal of the service, with GoTrue's status and words. */
export const authErrors = {
  validationFailed: (message: string) => new AuthError(400, 'validation_failed', message),
  badJson: (problem: string) =>
    new AuthError(400, 'bad_json', `Could not parse request body as JSON: ${problem}`),
  bodyTooLarge: (bytesMax: number) =>
    new AuthError(413, 'request_entity_too_large', `Request body too large (max ${bytesMax} bytes)`),
  weakPassword: (message: string, reasons: readonly string[]) =>
    new AuthError(422, 'weak_password', message, { reasons }),
  overRequestRate: (seconds: number) =>
    new AuthError(429, 'over_request_rate_limit', 'Request rate limit reached', {
      retryAfterSeconds: seconds,
    }),
  overRequestRateLimit: (cause?: unknown) =>
    new AuthError(429, 'over_request_rate_limit', 'Request rate limit reached', { cause }),
  requestTimeout: (cause?: unknown) =>
    new AuthError(504, 'request_timeout', 'Processing this request timed out, please retry after a moment.', {
      cause,
    }),
  unexpectedFailure: (message: string, cause?: unknown) =>
    new AuthError(500, 'unexpected_failure', message, { cause }),

  noAuthorization: () =>
    new AuthError(401, 'no_authorization', 'This endpoint requires a valid Bearer token'),
  badJwt: (problem: string, status = 403) => new AuthError(status, 'bad_jwt', problem),
  userFromClaimNotFound: () =>
    new AuthError(403, 'user_not_found', 'User from sub claim in JWT does not exist'),
  sessionFromClaimNotFound: () =>
    new AuthError(403, 'session_not_found', 'Session from session_id claim in JWT does not exist'),
  sessionNoLongerValid: () => new AuthError(403, 'session_expired', 'Session is no longer valid'),
  userBanned: (status: 400 | 403) => new AuthError(status, 'user_banned', 'User is banned'),
  userNotAllowed: () => new AuthError(403, 'not_admin', 'User not allowed'),

  signupDisabled: () => new AuthError(422, 'signup_disabled', 'Signups not allowed for this instance'),
  anonymousDisabled: () =>
    new AuthError(422, 'anonymous_provider_disabled', 'Anonymous sign-ins are disabled'),
  phoneSignupDisabled: () => new AuthError(400, 'phone_provider_disabled', 'Phone signups are disabled'),
  emailSignupDisabled: () => new AuthError(400, 'email_provider_disabled', 'Email signups are disabled'),
  emailLoginDisabled: (status: 400 | 422) =>
    new AuthError(status, 'email_provider_disabled', 'Email logins are disabled'),
  phoneNotConfirmed: () => new AuthError(400, 'phone_not_confirmed', 'Phone not confirmed'),
  verifyPhoneFirst: () => new AuthError(422, 'phone_not_confirmed', 'Please verify your phone first.'),
  phonePkce: () => new AuthError(400, 'validation_failed', 'PKCE not supported for phone signups'),
  invalidChannel: () =>
    new AuthError(
      400,
      'validation_failed',
      "Invalid channel, supported values are 'sms' or 'whatsapp'. 'whatsapp' is only supported if Twilio or Twilio Verify is used as the provider.",
    ),
  smsSendFailed: (kind: string, problem: string, cause: unknown) =>
    new AuthError(422, 'sms_send_failed', `Error sending ${kind} OTP to provider: ${problem}`, { cause }),
  overSmsFrequency: (seconds: number) =>
    new AuthError(
      429,
      'over_sms_send_rate_limit',
      `For security purposes, you can only request this after ${seconds} seconds.`,
      { retryAfterSeconds: seconds },
    ),
  overSmsRate: (seconds: number) =>
    new AuthError(429, 'over_sms_send_rate_limit', 'SMS rate limit exceeded', { retryAfterSeconds: seconds }),
  overEmailRate: (seconds: number) =>
    new AuthError(429, 'over_email_send_rate_limit', 'email rate limit exceeded', {
      retryAfterSeconds: seconds,
    }),
  phoneLoginDisabled: () => new AuthError(422, 'phone_provider_disabled', 'Phone logins are disabled'),
  userAlreadyExists: () => new AuthError(422, 'user_already_exists', 'User already registered'),
  emailExists: () =>
    new AuthError(422, 'email_exists', 'A user with this email address has already been registered'),
  phoneExists: () =>
    new AuthError(422, 'phone_exists', 'A user with this phone number has already been registered'),

  unsupportedGrant: () => new AuthError(400, 'invalid_credentials', 'unsupported_grant_type'),
  invalidCredentials: () => new AuthError(400, 'invalid_credentials', 'Invalid login credentials'),
  emailNotConfirmed: () => new AuthError(400, 'email_not_confirmed', 'Email not confirmed'),
  refreshTokenNotFound: () =>
    new AuthError(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found'),
  refreshTokenUsed: () =>
    new AuthError(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used'),
  refreshTokenUserBanned: () => new AuthError(400, 'user_banned', 'Invalid Refresh Token: User Banned'),
  refreshTokenWithoutSession: () =>
    new AuthError(400, 'session_not_found', 'Invalid Refresh Token: No Valid Session Found'),
  refreshTokenSessionExpired: (why = '') =>
    new AuthError(400, 'session_expired', `Invalid Refresh Token: Session Expired${why}`),

  appMetadataNeedsAdmin: () =>
    new AuthError(403, 'not_admin', 'Updating app_metadata requires admin privileges'),
  insufficientAal: () =>
    new AuthError(
      401,
      'insufficient_aal',
      'AAL2 session is required to update email or password when MFA is enabled.',
    ),
  anonymousNeedsAddress: () =>
    new AuthError(
      422,
      'validation_failed',
      'Updating password of an anonymous user without an email or phone is not allowed',
    ),
  ssoManaged: () =>
    new AuthError(
      422,
      'user_sso_managed',
      'Updating email, phone, password of a SSO account only possible via SSO',
    ),
  currentPasswordNeeded: (code: 'current_password_required' | 'current_password_invalid') =>
    new AuthError(400, code, 'Current password required when setting new password.'),
  samePassword: () =>
    new AuthError(422, 'same_password', 'New password should be different from the old password.'),

  phoneTaken: () => new AuthError(422, 'phone_exists', 'Phone number already registered by another user'),
  overEmailFrequency: (seconds: number) =>
    new AuthError(
      429,
      'over_email_send_rate_limit',
      `For security purposes, you can only request this after ${seconds} seconds.`,
      { retryAfterSeconds: seconds },
    ),
  linkExpired: () => new AuthError(403, 'otp_expired', 'Email link is invalid or has expired'),
  otpExpired: () => new AuthError(403, 'otp_expired', 'Token has expired or is invalid'),
  magicLinkNeedsEmail: () => new AuthError(422, 'validation_failed', 'Password recovery requires an email'),
  phoneResendDisabled: () => new AuthError(400, 'phone_provider_disabled', 'Phone logins are disabled'),
  otpDisabled: () => new AuthError(422, 'otp_disabled', 'Signups not allowed for otp'),
  phoneOtpUnsupported: () => new AuthError(400, 'phone_provider_disabled', 'Unsupported phone provider'),
  flowNotFound: () =>
    new AuthError(404, 'flow_state_not_found', 'invalid flow state, no valid flow state found'),
  flowExpired: () => new AuthError(422, 'flow_state_expired', 'invalid flow state, flow state has expired'),
  noFlowOfUser: () => new AuthError(400, 'flow_state_not_found', 'No associated flow state found.'),
  badCodeVerifier: () =>
    new AuthError(400, 'bad_code_verifier', 'code challenge does not match previously saved code verifier'),
  reauthenticationNeeded: () =>
    new AuthError(400, 'reauthentication_needed', 'Password update requires reauthentication'),
  nonceInvalid: () => new AuthError(422, 'reauthentication_not_valid', 'Nonce has expired or is invalid'),
  verifyEmailFirst: () => new AuthError(422, 'email_not_confirmed', 'Please verify your email first.'),

  userWithEmailNotFound: () => new AuthError(404, 'user_not_found', 'User with this email not found'),
  mailNotFound: () => new AuthError(404, 'mail_not_found', 'There is no such mail that was given up'),
  userNotFound: () => new AuthError(404, 'user_not_found', 'User not found'),
  userIdNotUuid: () => new AuthError(404, 'validation_failed', 'user_id must be an UUID'),
} as const
