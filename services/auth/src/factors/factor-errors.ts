import { AuthError } from '../errors.ts'

/** Refusals of second factors, with GoTrue's statuses and words (auth internal/api/mfa.go@bc32168). */
export const factorErrors = {
  sessionNeeded: (deed: 'enroll' | 'unenroll') =>
    new AuthError(
      500,
      'unexpected_failure',
      deed === 'enroll'
        ? 'A valid session and a registered user are required to enroll a factor'
        : 'A valid session and factor are required to unenroll a factor',
    ),
  anonymous: () =>
    new AuthError(403, 'no_authorization', 'Anonymous user not allowed to perform these actions'),
  idNotUuid: () => new AuthError(404, 'validation_failed', 'factor_id must be an UUID'),
  notFound: () => new AuthError(404, 'mfa_factor_not_found', 'Factor not found'),
  unknownType: () =>
    new AuthError(400, 'validation_failed', 'factor_type needs to be totp, phone, or webauthn'),
  enrollDisabled: (type: FactorName) =>
    new AuthError(422, `mfa_${type}_enroll_not_enabled`, `MFA enroll is disabled for ${labels[type]}`),
  verifyDisabled: (type: FactorName) =>
    new AuthError(422, `mfa_${type}_verify_not_enabled`, `MFA verification is disabled for ${labels[type]}`),
  /** GoTrue has the other code in this one place. */
  enrollDisabledAtVerify: () =>
    new AuthError(422, 'mfa_webauthn_enroll_not_enabled', 'MFA verification is disabled for WebAuthn'),
  nameTaken: (name: string) =>
    new AuthError(
      422,
      'mfa_factor_name_conflict',
      `A factor with the friendly name ${JSON.stringify(name)} for this user already exists`,
    ),
  tooMany: () =>
    new AuthError(
      422,
      'too_many_enrolled_mfa_factors',
      'Maximum number of verified factors reached, unenroll to continue',
    ),
  enrollNeedsAal2: () => new AuthError(403, 'insufficient_aal', 'AAL2 required to enroll a new factor'),
  unenrollNeedsAal2: () =>
    new AuthError(422, 'insufficient_aal', 'AAL2 required to unenroll verified factor'),
  phoneNeeded: () => new AuthError(400, 'validation_failed', 'Phone number required to enroll Phone factor'),
  phoneExists: () =>
    new AuthError(
      422,
      'mfa_verified_factor_exists',
      'A verified phone factor already exists, unenroll the existing factor to continue',
    ),
  smsNotSetUp: (cause: unknown) =>
    new AuthError(500, 'unexpected_failure', 'Failed to get SMS provider', { cause }),
  smsNotSent: (cause: unknown) =>
    new AuthError(500, 'unexpected_failure', 'error sending message', { cause }),
  hookFailed: (cause: unknown) => new AuthError(500, 'unexpected_failure', 'error invoking hook', { cause }),
  siteUrlMalformed: () => new AuthError(500, 'unexpected_failure', 'site url is improperly formatted'),
  codeNeeded: () => new AuthError(400, 'validation_failed', 'Code needs to be non-empty'),
  challengeNotFound: () =>
    new AuthError(422, 'mfa_factor_not_found', 'MFA factor with the provided challenge ID not found'),
  /** For a challenge that was met already, too. */
  addressMismatch: () =>
    new AuthError(422, 'mfa_ip_address_mismatch', 'Challenge and verify IP addresses mismatch.'),
  challengeExpired: (id: string) =>
    new AuthError(
      422,
      'mfa_challenge_expired',
      `MFA challenge ${id} has expired, verify against another challenge or create a new challenge.`,
    ),
  wrongTotp: () => new AuthError(422, 'mfa_verification_failed', 'Invalid TOTP code entered'),
  wrongPhoneCode: () => new AuthError(422, 'mfa_verification_failed', 'Invalid MFA Phone code entered'),
  unreadableSecret: () =>
    new AuthError(500, 'unexpected_failure', 'Database error verifying MFA TOTP secret'),
  rejected: (message: string) => new AuthError(403, 'mfa_verification_rejected', message),
  tooManyGuesses: () => new AuthError(429, 'over_request_rate_limit', 'Request rate limit reached'),
  webAuthnNeeded: () => new AuthError(400, 'validation_failed', 'WebAuthn config required'),
  webAuthnType: () => new AuthError(400, 'validation_failed', 'WebAuthn type must be create or request'),
  credentialNeeded: () => new AuthError(400, 'validation_failed', 'credential_response required'),
  credentialInvalid: (cause?: unknown) =>
    new AuthError(400, 'validation_failed', 'Invalid credential_response', { cause }),
  webAuthnFailed: () => new AuthError(500, 'unexpected_failure', 'Failed to validate WebAuthn MFA response'),
} as const

export type FactorName = 'totp' | 'phone' | 'webauthn'
const labels: Readonly<Record<FactorName, string>> = { totp: 'TOTP', phone: 'Phone', webauthn: 'WebAuthn' }
