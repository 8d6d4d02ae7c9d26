import { AuthError } from '../errors.ts'

const invalid = (message: string) => new AuthError(400, 'validation_failed', message)

/** Refusals of single sign-on, with GoTrue's status and words (auth internal/api/sso.go, samlacs.go, ssoadmin.go@bc32168). */
export const ssoErrors = {
  disabled: () => new AuthError(404, 'saml_provider_disabled', 'SAML 2.0 is disabled'),
  noSuchProvider: () => new AuthError(404, 'sso_provider_not_found', 'No such SSO provider'),
  noProviderOfDomain: () =>
    new AuthError(404, 'sso_provider_not_found', 'No SSO provider assigned for this domain'),
  providerNotFound: () => new AuthError(404, 'sso_provider_not_found', 'SSO Identity Provider not found'),
  providerDisabled: () => new AuthError(404, 'sso_provider_disabled', 'SSO Provider is currently disabled'),
  domainProviderDisabled: () =>
    new AuthError(
      404,
      'sso_provider_disabled',
      'SSO Provider assigned for this domain is currently disabled',
    ),
  bothGiven: () => invalid('Only one of provider_id or domain supported'),
  noneGiven: () => invalid('A provider_id or domain needs to be provided'),
  invalid,

  relayStateNotFound: () =>
    new AuthError(404, 'saml_relay_state_not_found', 'SAML RelayState does not exist, try logging in again?'),
  relayStateExpired: () =>
    new AuthError(422, 'saml_relay_state_expired', 'SAML RelayState has expired. Try logging in again?'),
  relayStateInvalid: () => invalid('SAML RelayState is not a valid UUID or URL'),
  artifactUnsupported: () => invalid('SAML Artifact response can only be used with SP initiated flow'),
  responseMissing: () => invalid('SAMLResponse is missing'),
  responseNotXml: () => invalid('SAMLResponse is not a valid XML SAML assertion'),
  idpNotFound: () =>
    new AuthError(
      404,
      'saml_idp_not_found',
      'A SAML connection has not been established with this Identity Provider',
    ),
  assertionInvalid: (cause: unknown) =>
    new AuthError(400, 'validation_failed', 'SAML Assertion is not valid', { cause }),
  noUserId: () =>
    new AuthError(
      400,
      'saml_assertion_no_user_id',
      'SAML Assertion did not contain a persistent Subject Identifier attribute or Subject NameID uniquely identifying this user',
    ),
  noEmail: () =>
    new AuthError(400, 'saml_assertion_no_email', 'SAML Assertion does not contain an email address'),

  metadataFetchFailed: (status: number | string, url: string) =>
    new AuthError(
      400,
      'saml_metadata_fetch_failed',
      `HTTP ${status} error fetching SAML Metadata from URL '${url}'`,
    ),
  idpExists: (entityId: string) =>
    new AuthError(
      422,
      'saml_idp_already_exists',
      `SAML Identity Provider with this EntityID (${entityId}) already exists`,
    ),
  entityIdMismatch: (expected: string, given: string) =>
    new AuthError(
      400,
      'saml_entity_id_mismatch',
      `SAML Metadata can be updated only if the EntityID matches for the provider; expected '${expected}' but got '${given}'`,
    ),
  domainTaken: (domain: string, providerId: string) =>
    new AuthError(
      400,
      'sso_domain_already_exists',
      `SSO Domain '${domain}' is already assigned to an SSO identity provider (${providerId})`,
    ),
  conflict: (cause: unknown) =>
    new AuthError(422, 'conflict', 'Updating SSO provider failed, likely due to a conflict. Try again?', {
      cause,
    }),
} as const
