import { z } from 'zod'

/** Where users of a project may sign in, by the names of Supabase's settings. */
export const externalProviderNames = [
  'apple',
  'azure',
  'bitbucket',
  'discord',
  'facebook',
  'figma',
  'fly',
  'github',
  'gitlab',
  'google',
  'kakao',
  'keycloak',
  'linkedin',
  'linkedin_oidc',
  'notion',
  'slack',
  'slack_oidc',
  'snapchat',
  'spotify',
  'twitch',
  'twitter',
  'vercel_marketplace',
  'workos',
  'x',
  'zoom',
] as const
export type ExternalProviderName = (typeof externalProviderNames)[number]

const text = (bytesMax: number) =>
  z
    .string()
    .max(bytesMax)
    .regex(/^[^\0]*$/)
const address = z.union([z.literal(''), z.url({ protocol: /^https?$/ }).max(2_048)])

/** What can be set of each provider; the whole name is `external_<provider>_<name>`. */
export const externalProviderFields = {
  enabled: z.boolean(),
  client_id: text(4_096),
  additional_client_ids: text(4_096),
  /** Shown as its SHA-256 in hex, as the Management API does it. */
  secret: text(8_192),
  url: address,
  skip_nonce_check: z.boolean(),
  email_optional: z.boolean(),
} as const
export type ExternalProviderField = keyof typeof externalProviderFields

/** The other settings of signing in elsewhere, and of being the place where others sign in. */
export const signInFields = {
  security_manual_linking_enabled: z.boolean(),
  mailer_allow_unverified_email_sign_ins: z.boolean(),
  custom_oauth_enabled: z.boolean(),
  saml_enabled: z.boolean(),
  saml_external_url: address,
  saml_allow_encrypted_assertions: z.boolean(),
  external_web3_ethereum_enabled: z.boolean(),
  external_web3_solana_enabled: z.boolean(),
  oauth_server_enabled: z.boolean(),
  oauth_server_allow_dynamic_registration: z.boolean(),
  oauth_server_authorization_path: text(2_048),
} as const

const providerFields = Object.fromEntries(
  externalProviderNames.flatMap((provider) =>
    Object.entries(externalProviderFields).map(([field, schema]) => [
      `external_${provider}_${field}`,
      schema,
    ]),
  ),
)

/** Part of `PATCH /v1/projects/{ref}/config/auth`. null resets a setting. */
export const UpdateSignInBody = z
  .object(
    Object.fromEntries(
      Object.entries({ ...providerFields, ...signInFields }).map(([name, schema]) => [
        name,
        schema.nullish(),
      ]),
    ),
  )
  .transform((signIn) => ({ signIn }))
export type UpdateSignInBody = z.infer<typeof UpdateSignInBody>

/** Part of `GET /v1/projects/{ref}/config/auth`; null where nothing was set. */
export type SignInConfig = Readonly<Record<string, boolean | string | null>>
