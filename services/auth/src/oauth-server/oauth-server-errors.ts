import { AuthError } from '../errors.ts'
import { OAuthError } from '../oauth-error.ts'

/** Refusals of the project as an OAuth server, with GoTrue's status and words (auth internal/api/oauthserver@bc32168). */
export const oauthServerErrors = {
  disabled: () => new AuthError(404, 'feature_disabled', 'OAuth server is disabled'),
  registrationDisabled: () =>
    new AuthError(
      403,
      'oauth_dynamic_client_registration_disabled',
      'Dynamic client registration is not enabled',
    ),
  invalid: (message: string) => new AuthError(400, 'validation_failed', message),
  clientNotFound: () => new AuthError(404, 'oauth_client_not_found', 'OAuth client not found'),
  unknownClient: (message: string) => new AuthError(400, 'oauth_client_not_found', message),
  badClient: (message: string) => new AuthError(400, 'invalid_credentials', message),
  authorizationNotFound: () => new AuthError(404, 'oauth_authorization_not_found', 'authorization not found'),
  consentNotFound: () =>
    new AuthError(404, 'oauth_consent_not_found', 'No active grant found for this client'),
  idTokenFailed: () =>
    new AuthError(500, 'unexpected_failure', 'Error generating ID token', {
      cause: new Error('id tokens need a signing key whose public part is published'),
    }),

  invalidRequest: (description: string) => new OAuthError('invalid_request', description),
  invalidGrant: (description: string) => new OAuthError('invalid_grant', description),
  invalidClient: (description: string) => new OAuthError('invalid_client', description),
  unsupportedGrant: (description: string) => new OAuthError('unsupported_grant_type', description),
  accessDenied: (description: string) => new OAuthError('access_denied', description),
} as const
