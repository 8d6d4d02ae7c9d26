import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import {
  externalProviderFields,
  externalProviderNames,
  type ExternalProviderField,
  type ExternalProviderName,
  type SignInConfig,
} from '@favo/contracts'
import { sql, type Queryable } from '@favo/postgres'
import { defaultExternalProvider, type ExternalProviderSettings, type SignInSettings } from '@favo/projects'
import { sha256Hex, type SecretBox } from '@favo/tokens'

// Secrets of other providers, and the key that signs SAML requests, are sealed where they are stored.

const members: Readonly<Record<ExternalProviderField, keyof ExternalProviderSettings>> = {
  enabled: 'enabled',
  client_id: 'clientId',
  additional_client_ids: 'additionalClientIds',
  secret: 'secret',
  url: 'url',
  skip_nonce_check: 'skipNonceCheck',
  email_optional: 'emailOptional',
}

const plainMembers = {
  security_manual_linking_enabled: 'manualLinkingEnabled',
  mailer_allow_unverified_email_sign_ins: 'allowUnverifiedEmailSignIns',
  custom_oauth_enabled: 'customOAuthEnabled',
  saml_enabled: 'samlEnabled',
  saml_external_url: 'samlExternalUrl',
  saml_allow_encrypted_assertions: 'samlAllowEncryptedAssertions',
  external_web3_ethereum_enabled: 'web3EthereumEnabled',
  external_web3_solana_enabled: 'web3SolanaEnabled',
  oauth_server_enabled: 'oauthServerEnabled',
  oauth_server_allow_dynamic_registration: 'oauthServerAllowDynamicRegistration',
  oauth_server_authorization_path: 'oauthServerAuthorizationPath',
} as const satisfies Record<string, keyof SignInSettings>

const secretContext = (ref: string, name: string) => `project:${ref}:auth:${name}`
const fieldsOf = (provider: ExternalProviderName) =>
  (Object.keys(externalProviderFields) as ExternalProviderField[]).map((field) => ({
    field,
    name: `external_${provider}_${field}`,
  }))

/** Stores what was asked for and leaves the rest; null takes a setting back to its default. */
export async function saveSignIn(
  { db, secretBox }: { readonly db: Queryable; readonly secretBox: SecretBox },
  ref: string,
  asked: Readonly<Record<string, boolean | string | null | undefined>>,
): Promise<void> {
  const external: Record<string, Record<string, unknown>> = {}
  for (const provider of externalProviderNames)
    for (const { field, name } of fieldsOf(provider)) {
      const value = asked[name]
      if (value === undefined) continue
      const isSecret = field === 'secret' && typeof value === 'string' && value !== ''
      const stored = isSecret ? secretBox.seal(value, secretContext(ref, name)) : value
      external[provider] = { ...external[provider], [members[field]]: stored }
    }
  const plain = Object.fromEntries(
    Object.entries(plainMembers).flatMap(([name, member]) =>
      asked[name] === undefined ? [] : [[member, asked[name]]],
    ),
  )
  if (Object.keys(external).length > 0) await mergeExternal(db, ref, external)
  if (Object.keys(plain).length > 0) await mergePlain(db, ref, plain)
  if (asked.saml_enabled === true) {
    const key = await createSamlKey()
    await setSamlKeyOnce(db, ref, secretBox.seal(key, secretContext(ref, 'saml_private_key')))
  }
}

const mergeExternal = (db: Queryable, ref: string, patch: Record<string, Record<string, unknown>>) =>
  db.run(sql`
    update control.project_settings s
    set auth = s.auth || jsonb_build_object('external', coalesce(s.auth -> 'external', '{}') || (
      select jsonb_object_agg(
        p.key, jsonb_strip_nulls(coalesce(s.auth -> 'external' -> p.key, '{}') || p.value)
      )
      from jsonb_each(${JSON.stringify(patch)}::jsonb) p
    ))
    where s.ref = ${ref}`)

const mergePlain = (db: Queryable, ref: string, patch: Record<string, unknown>) =>
  db.run(sql`
    update control.project_settings s
    set auth = (s.auth || ${JSON.stringify(patch)}::jsonb) - (
      select coalesce(array_agg(p.key) filter (where p.value = 'null'), '{}')
      from jsonb_each(${JSON.stringify(patch)}::jsonb) p
    )
    where s.ref = ${ref}`)

/** Identity providers know the key by now, so it stays. */
const setSamlKeyOnce = (db: Queryable, ref: string, sealed: string) =>
  db.run(sql`
    update control.project_settings s
    set auth = jsonb_build_object('samlPrivateKey', ${sealed}::text) || s.auth
    where s.ref = ${ref}`)

async function createSamlKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Settings as stored, with their secrets opened. Throws when the master key is not the one that sealed them. */
export function openSignIn<Stored extends SignInSettings>(
  secretBox: SecretBox,
  ref: string,
  stored: Stored,
): Stored {
  const { external, samlPrivateKey } = stored
  const opened = Object.entries(external ?? {}).map(([provider, settings]) => {
    const { secret } = settings
    if (secret === undefined || secret === '') return [provider, settings]
    const name = `external_${provider}_secret`
    return [provider, { ...settings, secret: secretBox.open(secret, secretContext(ref, name)) }]
  })
  return {
    ...stored,
    ...(external === undefined ? {} : { external: Object.fromEntries(opened) as SignInSettings['external'] }),
    ...(samlPrivateKey === undefined
      ? {}
      : { samlPrivateKey: secretBox.open(samlPrivateKey, secretContext(ref, 'saml_private_key')) }),
  }
}

/** As the Management API shows it: secrets by their hash, so that who knows one can compare. */
export function renderSignIn(auth: SignInSettings): SignInConfig {
  const config: Record<string, boolean | string | null> = {}
  for (const provider of externalProviderNames)
    for (const { field, name } of fieldsOf(provider)) {
      const value = auth.external?.[provider]?.[members[field]] ?? null
      if (field === 'secret' && typeof value === 'string')
        config[name] = value === '' ? null : sha256Hex(value)
      else
        config[name] = value ?? (typeof defaultExternalProvider[members[field]] === 'boolean' ? false : null)
    }
  for (const [name, member] of Object.entries(plainMembers)) {
    const isFlag = !name.endsWith('_url') && !name.endsWith('_path')
    config[name] = auth[member] ?? (isFlag ? false : null)
  }
  return config
}
