import { AuthError } from '../errors.ts'

const failure = (message: string, cause?: unknown) =>
  new AuthError(500, 'unexpected_failure', message, { cause })

/** Refusals of signing in elsewhere, with GoTrue's status and words. */
export const signInErrors = {
  unsupportedProvider: (problem: string) =>
    new AuthError(400, 'validation_failed', `Unsupported provider: ${problem}`),
  providerGone: (problem: string) =>
    new AuthError(400, 'oauth_provider_not_supported', `Unsupported provider: ${problem}`),
  stateMissing: () => new AuthError(400, 'bad_oauth_callback', 'OAuth state parameter missing'),
  stateInvalid: () => new AuthError(400, 'bad_oauth_state', 'OAuth state parameter is invalid'),
  stateNotFound: () => new AuthError(400, 'bad_oauth_state', 'OAuth state not found or expired'),
  stateExpired: () => new AuthError(400, 'bad_oauth_state', 'OAuth state has expired'),
  stateUsed: () => new AuthError(400, 'flow_state_already_used', 'State has already been used'),
  codeMissing: () =>
    new AuthError(400, 'bad_oauth_callback', 'OAuth callback with missing authorization code missing'),
  pkceVerifierMissing: () => new AuthError(400, 'oauth_invalid_state', 'OAuth PKCE code verifier missing'),
  clientStateNotFound: () => new AuthError(422, 'oauth_client_state_not_found', 'OAuth state not found'),
  codeRefused: (code: string, cause: unknown) =>
    failure(`Unable to exchange external code: ${code.slice(0, 4)}`, cause),
  accessTokenRefused: (cause: unknown) => failure('Unable to retrieve access token', cause),
  profileRefused: (cause: unknown) => failure('Error getting user profile from external provider', cause),
  emailMissing: (cause?: unknown) => failure('Error getting user email from external provider', cause),
  providerUnreachable: (cause: unknown) => failure('Unable to reach the external provider', cause),

  linkingTargetGone: () => new AuthError(422, 'user_not_found', 'Linking target user not found'),
  invitedNotFound: () => new AuthError(404, 'user_not_found', 'User identified by token not found'),
  inviteNotFound: () => new AuthError(404, 'invite_not_found', 'Invite not found'),
  inviteMismatch: () =>
    new AuthError(400, 'validation_failed', 'Invited email does not match emails from external provider'),
  multipleAccounts: (domain: string) =>
    failure(`Multiple accounts with the same email address in the same linking domain detected: ${domain}`),
  emailUnverified: (provider: string, isMailSent: boolean) =>
    new AuthError(
      422,
      'provider_email_needs_verification',
      isMailSent
        ? `Unverified email with ${provider}. A confirmation email has been sent to your ${provider} email`
        : `Unverified email with ${provider}. Verify the email with ${provider} in order to sign in`,
    ),
  linkedEmailUnverified: (provider: string) =>
    new AuthError(
      422,
      'email_not_confirmed',
      `Unverified email with ${provider}. A confirmation email has been sent to your ${provider} email`,
    ),
  linkedEmailTaken: () =>
    new AuthError(400, 'email_exists', 'A user with this email address has already been registered'),

  manualLinkingDisabled: () => new AuthError(404, 'manual_linking_disabled', 'Manual linking is disabled'),
  identityIdNotUuid: () => new AuthError(404, 'validation_failed', 'identity_id must be an UUID'),
  audienceMismatch: () =>
    new AuthError(403, 'unexpected_audience', "Token audience doesn't match request audience"),
  lastIdentity: () =>
    new AuthError(422, 'single_identity_not_deletable', 'User must have at least 1 identity after unlinking'),
  identityNotFound: () => new AuthError(422, 'identity_not_found', "Identity doesn't exist"),
  identityLinked: () => new AuthError(422, 'identity_already_exists', 'Identity is already linked'),
  identityTaken: () =>
    new AuthError(422, 'identity_already_exists', 'Identity is already linked to another user'),
  unlinkEmailConflict: () =>
    new AuthError(
      422,
      'email_conflict_identity_not_deletable',
      'Unable to unlink identity due to email conflict',
    ),
} as const
