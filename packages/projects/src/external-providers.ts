import type { ExternalProviderName } from '@favo/contracts'

/** The Management API's names are `external_<provider>_<name>`; they stand in brackets. */
export interface ExternalProviderSettings {
  /** [enabled] */
  readonly enabled: boolean
  /** [client_id], several with commas between. The first signs in; tokens of all are accepted. */
  readonly clientId: string
  /** [additional_client_ids] Applications whose id tokens are accepted too, with commas between. */
  readonly additionalClientIds: string
  /** [secret] Empty where the provider gives none. */
  readonly secret: string
  /** [url] Of a provider that customers host themselves; else empty. */
  readonly url: string
  /** [skip_nonce_check] For iOS, where some libraries do not tell the nonce they used. */
  readonly skipNonceCheck: boolean
  /** [email_optional] Users without an address may come in. */
  readonly emailOptional: boolean
}

export const defaultExternalProvider: ExternalProviderSettings = {
  enabled: false,
  clientId: '',
  additionalClientIds: '',
  secret: '',
  url: '',
  skipNonceCheck: false,
  emailOptional: false,
}

export type ExternalProviders = Readonly<
  Partial<Record<ExternalProviderName, Partial<ExternalProviderSettings>>>
>

/** Ways of signing in beside passwords and mails. Members that are absent are off or empty; the Management API's names stand in brackets. */
export interface SignInSettings {
  readonly external?: ExternalProviders
  /** Users may link and unlink identities themselves [security_manual_linking_enabled]. */
  readonly manualLinkingEnabled?: boolean
  /** Unverified addresses of providers sign in too [mailer_allow_unverified_email_sign_ins]. */
  readonly allowUnverifiedEmailSignIns?: boolean
  /** Providers of the project's own making, in auth.custom_oauth_providers [custom_oauth_enabled]. */
  readonly customOAuthEnabled?: boolean
  /** [saml_enabled] */
  readonly samlEnabled?: boolean
  /** Where identity providers find this project, if not at its own address [saml_external_url]. */
  readonly samlExternalUrl?: string
  /** [saml_allow_encrypted_assertions] */
  readonly samlAllowEncryptedAssertions?: boolean
  /** RSA key, PKCS #8 in PEM; made when SAML is first enabled. */
  readonly samlPrivateKey?: string
  /** [external_web3_ethereum_enabled] */
  readonly web3EthereumEnabled?: boolean
  /** [external_web3_solana_enabled] */
  readonly web3SolanaEnabled?: boolean
  /** [oauth_server_enabled] */
  readonly oauthServerEnabled?: boolean
  /** Anybody may register a client [oauth_server_allow_dynamic_registration]. */
  readonly oauthServerAllowDynamicRegistration?: boolean
  /** The page of the site that asks users for consent [oauth_server_authorization_path]. */
  readonly oauthServerAuthorizationPath?: string
}

/** What holds for members that are absent. */
export const defaultSignInSettings: Required<SignInSettings> = {
  external: {},
  manualLinkingEnabled: false,
  allowUnverifiedEmailSignIns: false,
  customOAuthEnabled: false,
  samlEnabled: false,
  samlExternalUrl: '',
  samlAllowEncryptedAssertions: false,
  samlPrivateKey: '',
  web3EthereumEnabled: false,
  web3SolanaEnabled: false,
  oauthServerEnabled: false,
  oauthServerAllowDynamicRegistration: false,
  oauthServerAuthorizationPath: '',
}
