import { AuthError } from '../errors.ts'

/** Refusals of passkeys, with GoTrue's statuses and words (auth internal/api/passkey_*.go@bc32168). */
export const passkeyErrors = {
  disabled: () => new AuthError(404, 'passkey_disabled', 'Passkeys are disabled'),
  notConfigured: () => new AuthError(500, 'unexpected_failure', 'Failed to initialize WebAuthn'),
  sso: () => new AuthError(422, 'validation_failed', 'SSO users cannot register passkeys'),
  anonymous: () =>
    new AuthError(403, 'no_authorization', 'Anonymous user not allowed to perform these actions'),
  needsAal2: () =>
    new AuthError(403, 'insufficient_aal', 'AAL2 session is required to manage passkeys when MFA is enabled'),
  tooMany: () => new AuthError(422, 'too_many_passkeys', 'Maximum number of passkeys reached'),
  challengeIdNeeded: () => new AuthError(400, 'validation_failed', 'challenge_id is required'),
  credentialNeeded: () => new AuthError(400, 'validation_failed', 'credential is required'),
  challengeIdNotUuid: () => new AuthError(400, 'validation_failed', 'challenge_id must be a valid UUID'),
  challengeNotFound: () =>
    new AuthError(400, 'webauthn_challenge_not_found', 'Challenge not found or already used'),
  challengeExpired: () => new AuthError(400, 'webauthn_challenge_expired', 'Challenge has expired'),
  credentialInvalid: () => new AuthError(400, 'webauthn_verification_failed', 'Invalid credential response'),
  credentialWrong: () => new AuthError(400, 'webauthn_verification_failed', 'Credential verification failed'),
  credentialExists: () =>
    new AuthError(422, 'webauthn_credential_exists', 'This credential is already registered'),
  emailNotConfirmed: () => new AuthError(403, 'email_not_confirmed', 'Email not confirmed'),
  phoneNotConfirmed: () => new AuthError(403, 'phone_not_confirmed', 'Phone not confirmed'),
  notFound: () => new AuthError(404, 'validation_failed', 'Passkey not found'),
  nameNeeded: () => new AuthError(400, 'validation_failed', 'friendly_name is required'),
  nameTooLong: () => new AuthError(400, 'validation_failed', 'friendly_name must be 120 characters or less'),
} as const
